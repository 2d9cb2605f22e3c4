{{ config(enabled=fed_by('case', 'traffic_crash', 'division', 'grid')) }}
with
    smallest as (
        select division.division_code, division.resident_population_n
        from {{ ref('dim_admin_division') }} as division
        left join
            (select distinct parent_code from {{ ref('dim_admin_division') }}) as parents
            on division.division_code = parents.parent_code
        where parents.parent_code is null and division.resident_population_n > 0
    ),

    events as (
        select fact.source_system as kind, fact.division_code, fact.created_on as day_on
        from {{ ref('fct_case') }} as fact
        union all
        select 'crash' as kind, crash.division_code, crash.occurred_on as day_on
        from {{ ref('fct_traffic_crash') }} as crash
    ),

    counted as (
        select events.kind, events.division_code, count(*) as events_n
        from events
        where
            events.day_on > {{ as_of() }} - cast({{ threshold('rate_eb.window_days') }} as integer)
            and events.day_on <= {{ as_of() }}
        group by events.kind, events.division_code
    )

select
    kinds.kind,
    smallest.division_code,
    coalesce(counted.events_n, 0) as events_n,
    smallest.resident_population_n as residents_n
from (select distinct counted.kind from counted) as kinds
cross join smallest
left join counted on kinds.kind = counted.kind and smallest.division_code = counted.division_code
