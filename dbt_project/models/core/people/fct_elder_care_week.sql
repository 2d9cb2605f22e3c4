{{ config(
    enabled=fed_by('elder_care'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'civil__elder_care', placed=true) }}"
) }}
select
    care.delivered_on as week_on,
    care.care_no,
    care.address_no,
    care.division_code,
    care.grid_id,
    care.age_years,
    coalesce(care.is_alone, false) as is_alone,
    care.level,
    care.visitor_zh,
    care.device_no,
    care.last_visit_on,
    -- The list of a week says how things stood on its Sunday.
    date_diff('day', care.last_visit_on, last_of.week_ends_on) as unvisited_days,
    care.visit_every_days,
    coalesce(care.allowance_stopped_on <= last_of.week_ends_on, false) as is_stopped,
    coalesce(date_diff('day', care.last_visit_on, last_of.week_ends_on) > care.visit_every_days, false) as is_overdue,
    care.delivered_on
from {{ ref('input_elder_care') }} as care
cross join
    lateral(
        select cast(date_trunc('week', care.delivered_on) + to_days(7) - to_days(1) as date) as week_ends_on
    ) as last_of
where {{ changed_days('care.delivered_on', 'civil__elder_care', placed=true) }}
