{{ config(enabled=fed_by('rescue_team', 'stock', 'shelter', 'grid')) }}
with
    teams as (
        select team.*
        from {{ ref('dim_resource') }} as team
        inner join {{ ref('rescue_team_kind') }} as kind on team.resource_code = kind.resource_code
    ),

    middles as (
        select
            grid.division_code,
            cast(avg(grid.latitude) as double) as latitude,
            cast(avg(grid.longitude) as double) as longitude
        from {{ ref('dim_grid') }} as grid
        where grid.is_current
        group by grid.division_code
    ),

    metres as (
        select
            {{ threshold('metres_per_degree_latitude') }} as per_latitude,
            {{ threshold('metres_per_degree_longitude') }} as per_longitude
    ),

    nearest as (
        select
            middles.division_code,
            teams.resource_code,
            min(
                sqrt(
                    pow((middles.latitude - cast(teams.latitude as double)) * metres.per_latitude, 2) + pow(
                        (middles.longitude - cast(teams.longitude as double))
                        * metres.per_longitude
                        * cos(radians(middles.latitude)),
                        2
                    )
                )
            ) as nearest_m
        from middles
        cross join teams
        cross join metres
        where teams.latitude is not null
        group by middles.division_code, teams.resource_code
    ),

    own as (
        select teams.division_code, teams.resource_code, count(*) as teams_n, sum(teams.quantity) as people_n
        from teams
        group by teams.division_code, teams.resource_code
    )

select
    {{ as_of() }} as as_of_on,
    nearest.division_code,
    nearest.resource_code,
    category.name_zh as resource_zh,
    coalesce(own.teams_n, 0) as own_teams_n,
    cast(coalesce(own.people_n, 0) as bigint) as own_people_n,
    cast(nearest.nearest_m / 1000.0 as decimal(12, 3)) as nearest_km,
    nearest.nearest_m <= {{ threshold('rescue_near_m') }} as is_covered,
    cast(
        coalesce(own.people_n, 0) * 10000 / nullif(residents.resident_population_n, 0) as decimal(12, 2)
    ) as own_people_per_10k
from nearest
left join own on nearest.division_code = own.division_code and nearest.resource_code = own.resource_code
left join {{ ref('division_residents') }} as residents on nearest.division_code = residents.division_code
left join {{ ref('rescue_team_kind') }} as category on nearest.resource_code = category.resource_code
