{{ config(enabled=fed_by('elder_care', 'smart_alarm')) }}
with
    offline as (
        select alarm.device_no, alarm.address_no, alarm.alarmed_on
        from {{ ref('fct_smart_alarm') }} as alarm
        where alarm.is_offline and not alarm.is_false
    ),

    devices as (
        select care.week_on, care.care_no, care.device_no, care.address_no, care.week_on + 7 - 1 as sunday_on
        from {{ ref('fct_elder_care_week') }} as care
        where care.device_no is not null
    ),

    -- A device is silent when its offline alarm, or one of its flat,
    -- fell into the days before the Sunday the list speaks of.
    silent as (
        select devices.week_on, devices.care_no
        from devices
        inner join offline on devices.device_no = offline.device_no
        where
            offline.alarmed_on <= devices.sunday_on
            and offline.alarmed_on > devices.sunday_on - cast({{ threshold('care_device_days') }} as integer)
        union
        select devices.week_on, devices.care_no
        from devices
        inner join offline on devices.address_no = offline.address_no
        where
            offline.alarmed_on <= devices.sunday_on
            and offline.alarmed_on > devices.sunday_on - cast({{ threshold('care_device_days') }} as integer)
    )

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
    silent.care_no is not null as is_device_silent
from {{ ref('fct_elder_care_week') }} as care
left join silent on care.week_on = silent.week_on and care.care_no = silent.care_no
