{{ config(
    enabled=fed_by('flood_depth_hour'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('date_on', 'water__flood_point', placed=true) }}"
) }}
select
    gauge.point_no as point_key,
    gauge.date_on,
    min(gauge.point_name) as point_name,
    min(gauge.division_code) as division_code,
    min(gauge.grid_id) as grid_id,
    min(gauge.latitude) as latitude,
    min(gauge.longitude) as longitude,
    cast(count(*) as integer) as delivered_n,
    cast(count(gauge.depth_m) as integer) as hours_n,
    -- Dry is a reading; the same depth all day long is a dirty gauge.
    count(gauge.depth_m) >= {{ threshold('stuck_readings_n') }}
    and min(gauge.depth_m) = max(gauge.depth_m)
    and min(gauge.depth_m) > 0 as is_stuck,
    cast(count(*) filter (where gauge.was_centimetres) as integer) as repaired_n,
    cast(max(gauge.depth_m) * 100.0 as decimal(8, 1)) as depth_max_stated_cm,
    cast(sum(gauge.rain_mm) as decimal(8, 1)) as rain_mm,
    max(gauge.rain_mm) as rain_hour_max_mm,
    min(gauge.battery_pct) as battery_pct
from {{ ref('input_flood_depth_hour') }} as gauge
where {{ changed_days('gauge.delivered_on', 'water__flood_point', placed=true) }}
group by gauge.point_no, gauge.date_on
