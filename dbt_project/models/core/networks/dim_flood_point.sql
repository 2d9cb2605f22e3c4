{{ config(enabled=fed_by('flood_depth_hour')) }}
select
    day.point_key,
    arg_max(day.point_name, day.date_on) as point_name,
    arg_max(day.division_code, day.date_on) as division_code,
    arg_max(day.grid_id, day.date_on) as grid_id,
    arg_max(day.latitude, day.date_on) as latitude,
    arg_max(day.longitude, day.date_on) as longitude,
    min(day.date_on) as first_on,
    max(day.date_on) as last_on
from {{ ref('fct_flood_point_daily') }} as day
group by day.point_key
