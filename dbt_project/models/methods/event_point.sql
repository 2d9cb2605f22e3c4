{{ config(enabled=fed_by('traffic_crash', 'division', 'grid')) }}
with
    located as (
        select crash.*
        from {{ ref('fct_traffic_crash') }} as crash
        where
            crash.latitude is not null
            and crash.longitude is not null
            and crash.division_code is not null
            and crash.occurred_on > {{ as_of() }} - cast({{ threshold('near_repeat.window_days') }} as integer)
            and crash.occurred_on <= {{ as_of() }}
    ),

    newest as (
        select located.*, row_number() over (order by located.occurred_on desc, located.crash_key) as newest_no
        from located
    ),

    plane as (
        select
            cast({{ threshold('hotspot.metres_per_degree') }} as double) as north_m,
            cast({{ threshold('hotspot.metres_per_degree') }} as double)
            * cos(radians(round(avg(newest.latitude)))) as east_m
        from newest
    )

select
    'crash' as kind,
    newest.crash_key as event_key,
    newest.occurred_on as day_on,
    cast(newest.longitude * plane.east_m as decimal(12, 1)) as x_m,
    cast(newest.latitude * plane.north_m as decimal(12, 1)) as y_m
from newest
cross join plane
where newest.newest_no <= {{ threshold('near_repeat.most_events') }}
