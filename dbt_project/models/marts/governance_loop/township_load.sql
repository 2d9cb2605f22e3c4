{{ config(enabled=fed_by('case', 'grid', 'grid_patrol')) }}
with windows as ({{ indicator_windows() }}),

tasks as (
    select
        windows.window_kind,
        windows.first_on,
        bridge.scope_code,
        count(*) as tasks_n,
        count(*) filter (where source.is_hotline) as hotline_n,
        count(*) filter (where source.is_patrol) as citymgmt_n,
        count(*) filter (where source.is_grid) as grid_n,
        count(distinct counted.happening_key) as happenings_n
    from windows
    inner join {{ ref('case_counted') }} as counted
        on counted.created_on >= windows.first_on and counted.created_on <= windows.last_on
    inner join {{ ref('case_source') }} as source on counted.source_system = source.source_system
    inner join {{ ref('bridge_division_scope') }} as bridge on counted.place_code = bridge.division_code
    -- What the hotline answers at once is no task of anybody's.
    where counted.is_direct is not true or source.is_grid
    group by windows.window_kind, windows.first_on, bridge.scope_code
),

patrolled as (
    select
        windows.window_kind,
        windows.first_on,
        bridge.scope_code,
        count(*) as patrols_n,
        cast(sum(patrol.visits_n) as bigint) as visits_n
    from windows
    inner join {{ ref('fct_grid_patrol') }} as patrol
        on patrol.patrol_on >= windows.first_on and patrol.patrol_on <= windows.last_on
    inner join {{ ref('bridge_division_scope') }} as bridge
        on patrol.division_code is not distinct from bridge.division_code
    group by windows.window_kind, windows.first_on, bridge.scope_code
),

staffed as (
    select
        bridge.scope_code,
        cast(sum(grid.full_time_n) as bigint) as full_time_n,
        cast(sum(grid.residents_n) as bigint) as residents_n
    from {{ ref('dim_grid') }} as grid
    inner join {{ ref('bridge_division_scope') }} as bridge on grid.division_code = bridge.division_code
    where grid.is_current
    group by bridge.scope_code
),

loaded as (
    select
        windows.window_kind,
        windows.first_on,
        windows.last_on,
        date_diff('day', windows.first_on, windows.last_on) + 1 as days_n,
        staffed.scope_code,
        staffed.full_time_n,
        staffed.residents_n,
        coalesce(tasks.tasks_n, 0) as tasks_n,
        coalesce(tasks.hotline_n, 0) as hotline_n,
        coalesce(tasks.citymgmt_n, 0) as citymgmt_n,
        coalesce(tasks.grid_n, 0) as grid_n,
        coalesce(tasks.happenings_n, 0) as happenings_n,
        coalesce(patrolled.patrols_n, 0) as patrols_n,
        coalesce(patrolled.visits_n, 0) as visits_n
    from windows
    cross join staffed
    left join tasks
        on
            windows.window_kind = tasks.window_kind and windows.first_on = tasks.first_on
            and staffed.scope_code = tasks.scope_code
    left join patrolled
        on
            windows.window_kind = patrolled.window_kind and windows.first_on = patrolled.first_on
            and staffed.scope_code = patrolled.scope_code
)

select
    loaded.window_kind,
    loaded.first_on as starts_on,
    loaded.last_on as ends_on,
    loaded.scope_code as division_code,
    loaded.tasks_n,
    loaded.hotline_n,
    loaded.citymgmt_n,
    loaded.grid_n,
    loaded.happenings_n,
    loaded.tasks_n - loaded.happenings_n as told_again_n,
    {{ percent_of('loaded.tasks_n - loaded.happenings_n', 'loaded.tasks_n') }} as told_again_pct,
    loaded.patrols_n,
    loaded.visits_n,
    loaded.full_time_n,
    loaded.residents_n,
    cast(
        cast(loaded.tasks_n * 7 as decimal(24, 6)) / nullif(loaded.full_time_n * loaded.days_n, 0) as decimal(12, 2)
    ) as tasks_per_full_time_week,
    cast(
        cast(loaded.tasks_n * 1000 as decimal(24, 6)) / nullif(loaded.residents_n, 0) as decimal(12, 2)
    ) as tasks_per_1k_residents,
    cast(
        rank() over (
            partition by loaded.window_kind, loaded.first_on, level.level_no
            order by cast(loaded.tasks_n as decimal(24, 6)) / nullif(loaded.full_time_n, 0) desc nulls last, loaded.scope_code
        ) as integer
    ) as rank_no
from loaded
inner join {{ ref('dim_admin_division') }} as level on loaded.scope_code = level.division_code
