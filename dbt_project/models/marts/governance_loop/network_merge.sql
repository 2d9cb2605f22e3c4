{{ config(enabled=fed_by('case', 'grid', 'grid_number', 'grid_use')) }}
with
    used as (
        select
            use.network,
            bridge.scope_code,
            count(*) as numbers_n,
            count(*) filter (where use.is_today) as numbers_today_n,
            count(*) filter (where not use.is_today and use.grid_id is not null) as numbers_before_n,
            count(*) filter (where use.grid_id is null) as numbers_unknown_n,
            cast(sum(use.records_n) as bigint) as records_n,
            cast(coalesce(sum(use.records_n) filter (where use.is_today), 0) as bigint) as records_today_n,
            cast(coalesce(sum(use.records_n) filter (where use.grid_id is not null), 0) as bigint) as records_placed_n,
            count(distinct use.grid_id) as grids_used_n
        from {{ ref('input_grid_use') }} as use
        inner join
            {{ ref('bridge_division_scope') }} as bridge on use.division_code is not distinct from bridge.division_code
        group by use.network, bridge.scope_code
    ),

    grids as (
        select bridge.scope_code, count(*) as grids_n
        from {{ ref('dim_grid') }} as grid
        inner join {{ ref('bridge_division_scope') }} as bridge on grid.division_code = bridge.division_code
        where grid.is_current
        group by bridge.scope_code
    ),

    -- A grid number that every network uses for the same grid is what merging them means.
    shared as (
        select bridge.scope_code, count(*) as grids_in_all_n
        from
            (
                select use.grid_id, count(distinct use.network) as networks_n
                from {{ ref('input_grid_use') }} as use
                where use.grid_id is not null
                group by use.grid_id
            ) as own
        inner join {{ ref('dim_grid') }} as grid on own.grid_id = grid.grid_id and grid.is_current
        inner join {{ ref('bridge_division_scope') }} as bridge on grid.division_code = bridge.division_code
        where own.networks_n = (select count(distinct every.network) from {{ ref('input_grid_use') }} as every)
        group by bridge.scope_code
    )

select
    used.network,
    used.scope_code as division_code,
    grids.grids_n,
    used.grids_used_n,
    {{ percent_of('used.grids_used_n', 'grids.grids_n') }} as grids_used_pct,
    used.numbers_n,
    used.numbers_today_n,
    used.numbers_before_n,
    used.numbers_unknown_n,
    used.records_n,
    used.records_today_n,
    {{ percent_of('used.records_today_n', 'used.records_n') }} as records_today_pct,
    used.records_placed_n,
    {{ percent_of('used.records_placed_n', 'used.records_n') }} as records_placed_pct,
    coalesce(shared.grids_in_all_n, 0) as grids_in_all_n,
    {{ percent_of('coalesce(shared.grids_in_all_n, 0)', 'grids.grids_n') }} as grids_in_all_pct
from used
left join grids on used.scope_code = grids.scope_code
left join shared on used.scope_code = shared.scope_code
