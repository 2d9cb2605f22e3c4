{{ config(
    enabled=fed_by('flood_depth_hour'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('date_on', 'water__flood_point', placed=true) }}"
) }}
-- Hours under water, and those nobody knows of: few of all, enough to tell one flooding from the next.
with
    hours as (
        select
            gauge.point_no as point_key,
            gauge.date_on,
            gauge.measured_at,
            gauge.depth_m,
            gauge.rain_mm,
            count(gauge.depth_m) over own >= {{ threshold('stuck_readings_n') }}
            and min(gauge.depth_m) over own = max(gauge.depth_m) over own
            and min(gauge.depth_m) over own > 0 as is_stuck
        from {{ ref('input_flood_depth_hour') }} as gauge
        where {{ changed_days('gauge.delivered_on', 'water__flood_point', placed=true) }}
        window own as (partition by gauge.point_no, gauge.date_on)
    )

select
    hours.point_key,
    hours.date_on,
    hours.measured_at,
    case when not hours.is_stuck then cast(hours.depth_m * 100.0 as decimal(8, 1)) end as depth_cm,
    hours.rain_mm
from hours
where hours.depth_m is null or hours.is_stuck or hours.depth_m * 100.0 >= {{ threshold('flood_depth_cm') }}
