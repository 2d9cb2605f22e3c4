{{ config(enabled=fed_by('case', 'traffic_crash', 'division', 'grid')) }}
-- Places in metres on a plane that touches the city: good to a thousandth within a hundred kilometres, and no two
-- builds lay it elsewhere unless the city moves.
with
    events as (
        select fact.source_system as kind, fact.division_code, fact.created_on as day_on, fact.latitude, fact.longitude
        from {{ ref('fct_case') }} as fact
        where fact.latitude is not null and fact.longitude is not null and fact.division_code is not null
        union all
        select 'crash' as kind, crash.division_code, crash.occurred_on as day_on, crash.latitude, crash.longitude
        from {{ ref('fct_traffic_crash') }} as crash
        where crash.latitude is not null and crash.longitude is not null and crash.division_code is not null
    ),

    recent as (
        select events.*
        from events
        where
            events.day_on > {{ as_of() }} - cast({{ threshold('hotspot.window_days') }} as integer)
            and events.day_on <= {{ as_of() }}
    ),

    plane as (
        select
            cast({{ threshold('hotspot.metres_per_degree') }} as double) as north_m,
            cast({{ threshold('hotspot.metres_per_degree') }} as double)
            * cos(radians(round(avg(recent.latitude)))) as east_m,
            cast({{ threshold('hotspot.cell_m') }} as double) as cell_m
        from recent
    ),

    celled as (
        select
            recent.kind,
            recent.division_code,
            cast(floor(recent.longitude * plane.east_m / plane.cell_m) as bigint) as cell_x,
            cast(floor(recent.latitude * plane.north_m / plane.cell_m) as bigint) as cell_y
        from recent
        cross join plane
    ),

    -- A cell on a border belongs to the division most of its events lie in.
    placed as (
        select
            celled.cell_x,
            celled.cell_y,
            celled.division_code,
            row_number() over (
                partition by celled.cell_x, celled.cell_y order by count(*) desc, celled.division_code
            ) as choice_no
        from celled
        group by celled.cell_x, celled.cell_y, celled.division_code
    ),

    counted as (
        select celled.kind, celled.cell_x, celled.cell_y, count(*) as events_n
        from celled
        group by celled.kind, celled.cell_x, celled.cell_y
    )

-- Every kind has every cell in which anything happened: none is a count, too.
select
    kinds.kind,
    placed.cell_x,
    placed.cell_y,
    placed.division_code,
    cast((placed.cell_y + cast(0.5 as double)) * plane.cell_m / plane.north_m as decimal(9, 6)) as latitude,
    cast((placed.cell_x + cast(0.5 as double)) * plane.cell_m / plane.east_m as decimal(9, 6)) as longitude,
    coalesce(counted.events_n, 0) as events_n
from (select distinct counted.kind from counted) as kinds
cross join placed
cross join plane
left join counted on kinds.kind = counted.kind and placed.cell_x = counted.cell_x and placed.cell_y = counted.cell_y
where placed.choice_no = 1
