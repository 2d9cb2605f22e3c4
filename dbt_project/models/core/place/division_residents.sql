{{ config(enabled=fed_by('grid')) }}
with recursive
    ancestry as (
        select division.division_code, division.division_code as scope_code, division.parent_code
        from {{ ref('division') }} as division
        union all
        select ancestry.division_code, parent.division_code as scope_code, parent.parent_code
        from ancestry
        inner join {{ ref('division') }} as parent on ancestry.parent_code = parent.division_code
    )

select
    ancestry.scope_code as division_code,
    cast(sum(grid.residents_n) as bigint) as resident_population_n,
    cast(sum(grid.households_n) as bigint) as households_n,
    cast(sum(grid.elderly80_n) as bigint) as elderly80_n,
    cast(sum(grid.floating_n) as bigint) as floating_n,
    cast(sum(grid.full_time_n) as bigint) as full_time_n,
    cast(sum(grid.volunteers_n) as bigint) as volunteers_n,
    count(*) as grids_n,
    count(*) filter (where grid.residents_n is null) as grids_without_residents_n
from {{ ref('dim_grid') }} as grid
inner join ancestry on grid.division_code = ancestry.division_code
where grid.is_current
group by ancestry.scope_code
