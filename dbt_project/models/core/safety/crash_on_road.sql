{{ config(enabled=fed_by('traffic_crash')) }}
-- A road the form does not know goes by its name where the division has only one of it.
with
    named as (
        select crash.road_name, crash.division_code, min(crash.road_code) as road_code
        from {{ ref('fct_traffic_crash') }} as crash
        where crash.road_code is not null and crash.road_name is not null
        group by crash.road_name, crash.division_code
        having count(distinct crash.road_code) = 1
    ),

    -- Somebody who died of it later was hurt when it happened.
    hurt as (
        select input.crash_key, max(input.injuries_n) as hurt_n
        from {{ ref('input_traffic_crash') }} as input
        group by input.crash_key
    )

select
    crash.crash_key,
    crash.occurred_on,
    crash.occurred_at,
    crash.division_code,
    coalesce(crash.road_code, named.road_code) as road_code,
    crash.road_name,
    crash.stake_km,
    crash.latitude,
    crash.longitude,
    coalesce(crash.deaths_n, 0) as deaths_n,
    coalesce(hurt.hurt_n, 0) as hurt_n,
    coalesce(crash.deaths_n > 0, false) as is_fatal,
    coalesce(crash.deaths_n > 0, false) or coalesce(hurt.hurt_n > 0, false) as is_casualty,
    coalesce(crash.is_cause_road, false) as is_road_factor,
    coalesce(crash.is_general_procedure, false) as is_general,
    cast(
        case
            when crash.deaths_n > 0
            then weight.fatal_weight
            when hurt.hurt_n > 0
            then weight.injury_weight
            else weight.damage_weight
        end as decimal(9, 3)
    ) as epdo
from {{ ref('fct_traffic_crash') }} as crash
inner join
    {{ ref('std_epdo_weight') }} as weight
    on weight.valid_from <= crash.occurred_on
    and (weight.valid_to is null or crash.occurred_on < weight.valid_to)
left join hurt on crash.crash_key = hurt.crash_key
left join named on crash.road_name = named.road_name and crash.division_code is not distinct from named.division_code
