{{ config(enabled=fed_by('case', 'grid', 'grid_party')) }}
with
    windows as ({{ indicator_windows() }}),

    scopes as (
        select bridge.division_code, bridge.scope_code, level.scope
        from {{ ref('bridge_division_scope') }} as bridge
        inner join {{ ref('dim_admin_division') }} as division on bridge.scope_code = division.division_code
        inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
    ),

    grids as (
        select grid.grid_id, scopes.scope, scopes.scope_code
        from {{ ref('dim_grid') }} as grid
        inner join scopes on grid.division_code = scopes.division_code
        where grid.is_current
    ),

    counted as (
        select windows.window_kind, windows.first_on, windows.last_on, counted.grid_id, count(*) as events_n
        from windows
        inner join
            {{ ref('case_counted') }} as counted
            on counted.created_on >= windows.first_on
            and counted.created_on <= windows.last_on
        inner join {{ ref('case_source') }} as source on counted.source_system = source.source_system
        where source.is_grid
        group by windows.window_kind, windows.first_on, windows.last_on, counted.grid_id
    ),

    -- Grids in which nothing was found are loaded with nothing.
    loaded as (
        select
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            grids.scope,
            grids.scope_code,
            coalesce(counted.events_n, 0) as events_n,
            row_number() over (
                partition by windows.window_kind, windows.first_on, windows.last_on, grids.scope_code
                order by coalesce(counted.events_n, 0), grids.grid_id
            ) as rank_no,
            count(*) over (
                partition by windows.window_kind, windows.first_on, windows.last_on, grids.scope_code
            ) as grids_n
        from windows
        cross join grids
        left join
            counted
            on windows.window_kind = counted.window_kind
            and windows.first_on = counted.first_on
            and grids.grid_id = counted.grid_id
    )

select
    'I24' as indicator_id,
    'load_gini' as part,
    '' as variant,
    loaded.window_kind,
    loaded.first_on,
    loaded.last_on,
    loaded.scope,
    loaded.scope_code as division_code,
    cast(sum((loaded.rank_no + loaded.rank_no - loaded.grids_n - 1) * loaded.events_n) as double)
    / nullif(max(loaded.grids_n) * sum(loaded.events_n), 0) as value,
    cast(sum((loaded.rank_no + loaded.rank_no - loaded.grids_n - 1) * loaded.events_n) as decimal(24, 6)) as numerator,
    cast(max(loaded.grids_n) * sum(loaded.events_n) as decimal(24, 6)) as denominator
from loaded
group by loaded.window_kind, loaded.first_on, loaded.last_on, loaded.scope, loaded.scope_code
union all
select
    'I24' as indicator_id,
    'party_coverage' as part,
    '' as variant,
    windows.window_kind,
    windows.first_on,
    windows.last_on,
    scopes.scope,
    scopes.scope_code as division_code,
    cast(count(*) filter (where party.has_party) as double) / count(*) as value,
    cast(count(*) filter (where party.has_party) as decimal(24, 6)) as numerator,
    cast(count(*) as decimal(24, 6)) as denominator
from {{ ref('fct_grid_party') }} as party
inner join scopes on party.division_code = scopes.division_code
inner join
    windows
    on party.month_on = windows.first_on
    and cast(party.month_on + interval 1 month as date) = windows.last_on + 1
group by windows.window_kind, windows.first_on, windows.last_on, scopes.scope, scopes.scope_code
