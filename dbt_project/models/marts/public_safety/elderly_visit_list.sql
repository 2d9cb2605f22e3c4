{{ config(enabled=fed_by('elder_care', 'smart_alarm')) }}
select
    care.week_on as monday_on,
    care.division_code,
    care.grid_id,
    row_number() over (
        partition by care.grid_id
        order by care.is_aged_alone desc, care.unvisited_days - care.visit_every_days desc, care.care_no
    ) as order_no,
    -- Enough for who has the list to find the line, and for nobody else.
    left(care.care_no, 2) || '****' || right(care.care_no, 4) as care_no_masked,
    care.visitor_zh,
    care.level as care_level,
    care.is_aged_alone,
    care.unvisited_days,
    care.unvisited_days - care.visit_every_days as overdue_days,
    care.is_device_silent
from {{ ref('care_person') }} as care
where
    care.week_on = (select max(newest.week_on) from {{ ref('care_person') }} as newest)
    and care.is_overdue
    and not care.is_stopped
