{{ config(enabled=fed_by('flood_depth_hour')) }}
-- Hours on end, wet or not known; within them, wet hours with few unknown ones between are one flooding.
with
    stretches as (
        select
            hour.*,
            epoch(hour.measured_at) / 3600
            - row_number() over (partition by hour.point_key order by hour.measured_at) as stretch_no
        from {{ ref('flood_hour') }} as hour
    ),

    wet as (
        select
            stretches.*,
            lag(stretches.measured_at) over (
                partition by stretches.point_key, stretches.stretch_no order by stretches.measured_at
            ) as wet_before_at
        from stretches
        where stretches.depth_cm is not null
    ),

    numbered as (
        select
            wet.*,
            count(*) filter (
                where
                    wet.wet_before_at is null
                    or date_diff('hour', wet.wet_before_at, wet.measured_at) > {{ threshold('flood_gap_hours') }} + 1
            ) over (
                partition by wet.point_key order by wet.measured_at rows between unbounded preceding and current row
            ) as event_no
        from wet
    ),

    events as (
        select
            numbered.point_key,
            min(numbered.measured_at) as started_at,
            max(numbered.measured_at) + interval 1 hour as ended_at,
            max(numbered.depth_cm) as depth_max_cm,
            count(*) as hours_n,
            sum(numbered.rain_mm) as rain_mm
        from numbered
        group by numbered.point_key, numbered.event_no
    )

select
    md5('flood|' || events.point_key || '|' || epoch(events.started_at)) as event_key,
    events.point_key,
    point.point_name,
    point.division_code,
    point.grid_id,
    events.started_at,
    events.ended_at,
    {{ civil_date('events.started_at') }} as started_on,
    cast(round(events.depth_max_cm) as integer) as depth_max_cm,
    cast(events.hours_n as integer) as hours_n,
    cast(events.rain_mm as decimal(8, 1)) as rain_mm
from events
left join {{ ref('dim_flood_point') }} as point on events.point_key = point.point_key
