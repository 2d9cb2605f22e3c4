{{ config(enabled=fed_by('case', 'grid', 'grid_patrol')) }}
with
    windows as ({{ indicator_windows() }}),

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
        inner join
            {{ ref('case_counted') }} as counted
            on counted.created_on >= windows.first_on
            and counted.created_on <= windows.last_on
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
        inner join
            {{ ref('fct_grid_patrol') }} as patrol
            on patrol.patrol_on >= windows.first_on
            and patrol.patrol_on <= windows.last_on
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on patrol.division_code is not distinct from bridge.division_code
        group by windows.window_kind, windows.first_on, bridge.scope_code
    ),

    loaded as (
        select
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            date_diff('day', windows.first_on, windows.last_on) + 1 as days_n,
            residents.division_code,
            residents.full_time_n,
            residents.resident_population_n as residents_n,
            coalesce(tasks.tasks_n, 0) as tasks_n,
            coalesce(tasks.hotline_n, 0) as hotline_n,
            coalesce(tasks.citymgmt_n, 0) as citymgmt_n,
            coalesce(tasks.grid_n, 0) as grid_n,
            coalesce(tasks.happenings_n, 0) as happenings_n,
            coalesce(patrolled.patrols_n, 0) as patrols_n,
            coalesce(patrolled.visits_n, 0) as visits_n
        from windows
        cross join {{ ref('division_residents') }} as residents
        left join
            tasks
            on windows.window_kind = tasks.window_kind
            and windows.first_on = tasks.first_on
            and residents.division_code = tasks.scope_code
        left join
            patrolled
            on windows.window_kind = patrolled.window_kind
            and windows.first_on = patrolled.first_on
            and residents.division_code = patrolled.scope_code
    ),

    -- Divisions of one level are peers; what they are held by is the work of one full-time worker.
    worked as (
        select
            loaded.*,
            level.level_no,
            loaded.division_code as unit_key,
            cast(nullif(loaded.full_time_n, 0) as double) * loaded.days_n / 7 as worker_weeks
        from loaded
        inner join {{ ref('dim_admin_division') }} as level on loaded.division_code = level.division_code
    ),

    peers as (
        select
            worked.window_kind,
            worked.first_on,
            worked.level_no,
            cast(sum(worked.tasks_n) as double) / sum(cast(worked.worker_weeks as decimal(24, 8))) as mean_rate,
            cast(sum(cast(worked.worker_weeks as decimal(24, 8))) as double) as worker_weeks,
            cast(
                sum(cast(worked.tasks_n / worked.worker_weeks * worked.tasks_n as decimal(24, 8))) as double
            ) as squares,
            count(*) as units_n
        from worked
        where worked.worker_weeks > 0
        group by worked.window_kind, worked.first_on, worked.level_no
    ),

    drawn as (
        select
            worked.*,
            worked.tasks_n / worked.worker_weeks as rate,
            {{ count_low('worked.tasks_n') }} / worked.worker_weeks as low_rate,
            {{ count_high('worked.tasks_n') }} / worked.worker_weeks as high_rate,
            peers.mean_rate,
            {{ variance_between_rates('peers.squares', 'peers.worker_weeks', 'peers.mean_rate', 'peers.units_n') }}
            as variance
        from worked
        left join
            peers
            on worked.window_kind = peers.window_kind
            and worked.first_on = peers.first_on
            and worked.level_no = peers.level_no
    ),

    measured as (
        select
            drawn.*,
            case
                when drawn.worker_weeks > 0
                then
                    cast(
                        {{ drawn_rate('drawn.rate', 'drawn.worker_weeks', 'drawn.mean_rate', 'drawn.variance') }}
                        as decimal(18, 8)
                    )
            end as eb_rate
        from drawn
    ),

    rankable as ({{ rankable_groups('measured', 'low_rate', 'high_rate', ['window_kind', 'first_on', 'level_no']) }})

select
    measured.window_kind,
    measured.first_on as starts_on,
    measured.last_on as ends_on,
    measured.division_code,
    measured.tasks_n,
    measured.hotline_n,
    measured.citymgmt_n,
    measured.grid_n,
    measured.happenings_n,
    measured.tasks_n - measured.happenings_n as told_again_n,
    {{ percent_of('measured.tasks_n - measured.happenings_n', 'measured.tasks_n') }} as told_again_pct,
    measured.patrols_n,
    measured.visits_n,
    measured.full_time_n,
    measured.residents_n,
    cast(
        cast(measured.tasks_n * 7 as decimal(24, 6))
        / nullif(measured.full_time_n * measured.days_n, 0) as decimal(12, 2)
    ) as tasks_per_full_time_week,
    cast(greatest(measured.low_rate, 0) as decimal(12, 2)) as tasks_per_full_time_week_low,
    cast(measured.high_rate as decimal(12, 2)) as tasks_per_full_time_week_high,
    cast(measured.eb_rate as decimal(12, 2)) as tasks_per_full_time_week_eb,
    cast(
        cast(measured.tasks_n * 1000 as decimal(24, 6)) / nullif(measured.residents_n, 0) as decimal(12, 2)
    ) as tasks_per_1k_residents,
    coalesce(rankable.is_rankable, false) as is_rankable,
    case
        when rankable.is_rankable and measured.eb_rate is not null
        then
            rank() over (
                partition by measured.window_kind, measured.first_on, measured.level_no
                order by measured.eb_rate desc nulls last
            )
    end as rank_no
from measured
left join
    rankable
    on measured.window_kind = rankable.window_kind
    and measured.first_on = rankable.first_on
    and measured.level_no = rankable.level_no
