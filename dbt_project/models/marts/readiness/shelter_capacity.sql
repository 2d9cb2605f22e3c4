{{ config(enabled=fed_by('shelter', 'grid')) }}
with
    shelters as (
        select
            scope.scope_code as division_code,
            count(*) as shelters_n,
            count(*) filter (where shelter.is_indoor) as indoor_n,
            sum(shelter.area_m2) as area_m2,
            sum(shelter.capacity_n) as capacity_n,
            -- Not more people than the area allows by the class of the shelter.
            sum(least(shelter.capacity_n, floor(shelter.area_m2 / shelter.least_m2_per_head))) as usable_capacity_n,
            count(*) filter (where shelter.is_overstated) as overstated_n
        from {{ ref('dim_shelter') }} as shelter
        inner join {{ ref('bridge_division_scope') }} as scope on shelter.division_code = scope.division_code
        group by scope.scope_code
    ),

    near as (
        select
            scope.scope_code as division_code,
            sum(grid.residents_n) as residents_n,
            sum(grid.residents_n) filter (where grid.is_near) as near_n,
            quantile_cont(grid.nearest_m, 0.5) as nearest_p50_m
        from {{ ref('grid_shelter') }} as grid
        inner join {{ ref('bridge_division_scope') }} as scope on grid.division_code = scope.division_code
        group by scope.scope_code
    )

select
    {{ as_of() }} as as_of_on,
    residents.division_code,
    residents.resident_population_n,
    coalesce(shelters.shelters_n, 0) as shelters_n,
    coalesce(shelters.indoor_n, 0) as indoor_n,
    cast(coalesce(shelters.area_m2, 0) as decimal(18, 2)) as area_m2,
    cast(coalesce(shelters.capacity_n, 0) as bigint) as capacity_n,
    cast(coalesce(shelters.usable_capacity_n, 0) as bigint) as usable_capacity_n,
    coalesce(shelters.overstated_n, 0) as overstated_n,
    cast(coalesce(shelters.area_m2, 0) / residents.resident_population_n as decimal(12, 3)) as area_m2_per_head,
    cast(
        greatest(
            residents.resident_population_n * {{ threshold('shelter_m2_per_head') }} - coalesce(shelters.area_m2, 0), 0
        ) as decimal(18, 2)
    ) as gap_m2,
    cast(100.0 * coalesce(near.near_n, 0) / nullif(near.residents_n, 0) as decimal(6, 2)) as within_1km_pct,
    cast(near.nearest_p50_m as decimal(12, 1)) as nearest_p50_m
from {{ ref('division_residents') }} as residents
left join shelters on residents.division_code = shelters.division_code
left join near on residents.division_code = near.division_code
