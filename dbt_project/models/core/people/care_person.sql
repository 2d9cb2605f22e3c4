{{ config(enabled=fed_by('elder_care', 'smart_alarm')) }}
-- A device is silent when its offline alarm fell into the days before the Sunday the list speaks of.
select
    care.week_on,
    care.care_no,
    care.division_code,
    care.grid_id,
    care.level,
    care.visitor_zh,
    care.last_visit_on,
    care.unvisited_days,
    care.visit_every_days,
    care.is_stopped,
    care.is_overdue,
    care.is_alone and coalesce(care.age_years >= {{ threshold('care_age_high') }}, false) as is_aged_alone,
    care.device_no is not null as has_device,
    exists (
        select 1
        from {{ ref('fct_smart_alarm') }} as alarm
        where
            alarm.is_offline
            and not alarm.is_false
            and (alarm.device_no = care.device_no or alarm.address_no = care.address_no)
            and alarm.alarmed_on <= care.week_on + 7 - 1
            and alarm.alarmed_on > care.week_on + 7 - 1 - cast({{ threshold('care_device_days') }} as integer)
    ) and care.device_no is not null as is_device_silent
from {{ ref('fct_elder_care_week') }} as care
