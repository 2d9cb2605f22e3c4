{{ config(enabled=fed_by('case', 'grid', 'grid_patrol')) }}
with
    windows as ({{ indicator_windows() }}),

    finds as (
        select
            counted.*,
            bridge.scope_code,
            {{ seconds_between('counted.created_at', 'counted.reported_at') }} as report_s,
            {{ seconds_between('counted.reported_at', 'counted.accepted_at') }} as assign_s,
            {{ seconds_between('coalesce(counted.accepted_at, counted.reported_at)', 'counted.settled_at') }}
            as settle_s,
            count(*) over (partition by bridge.scope_code, counted.grid_id, date_trunc('minute', counted.created_at))
            >= {{ threshold('bulk_entry_least') }} as is_bulk
        from {{ ref('case_counted') }} as counted
        inner join {{ ref('case_source') }} as source on counted.source_system = source.source_system and source.is_grid
        inner join {{ ref('bridge_division_scope') }} as bridge on counted.place_code = bridge.division_code
    ),

    found as (
        select
            windows.window_kind,
            windows.first_on,
            finds.scope_code,
            count(*) as found_n,
            count(*) filter (where finds.is_dispatched) as sent_up_n,
            count(*) filter (where finds.is_dispatched and finds.accepted_at is not null) as assigned_n,
            count(*) filter (where finds.settled_at is not null) as settled_n,
            count(*) filter (where finds.is_direct and finds.settled_at is not null) as settled_in_grid_n,
            count(*) filter (where finds.is_valid is not null) as checked_n,
            count(*) filter (where finds.is_valid) as valid_n,
            count(*) filter (where finds.is_bulk) as bulk_n,
            count(distinct finds.grid_id) as active_grids_n,
            quantile_cont(finds.report_s, 0.5) as report_p50_s,
            quantile_cont(finds.assign_s, 0.5) as assign_p50_s,
            quantile_cont(finds.settle_s, 0.5) as settle_p50_s,
            quantile_cont(finds.settle_s, 0.9) as settle_p90_s
        from windows
        inner join finds on finds.created_on >= windows.first_on and finds.created_on <= windows.last_on
        group by windows.window_kind, windows.first_on, finds.scope_code
    ),

    patrolled as (
        select
            windows.window_kind,
            windows.first_on,
            bridge.scope_code,
            count(*) as patrols_n,
            count(distinct patrol.grid_id) as patrolled_grids_n,
            cast(sum(patrol.length_s) as bigint) as patrol_s,
            cast(sum(patrol.distance_m) as bigint) as patrol_m,
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
    )

select
    windows.window_kind,
    windows.first_on as starts_on,
    windows.last_on as ends_on,
    residents.division_code,
    coalesce(found.found_n, 0) as found_n,
    coalesce(found.sent_up_n, 0) as sent_up_n,
    coalesce(found.assigned_n, 0) as assigned_n,
    coalesce(found.settled_n, 0) as settled_n,
    {{ percent_of('found.settled_n', 'found.found_n') }} as settled_pct,
    {{ percent_of('found.settled_in_grid_n', 'found.settled_n') }} as settled_in_grid_pct,
    coalesce(found.checked_n, 0) as checked_n,
    {{ percent_of('found.checked_n', 'found.found_n') }} as checked_pct,
    {{ percent_of('found.valid_n', 'found.checked_n') }} as valid_pct,
    coalesce(found.bulk_n, 0) as bulk_n,
    {{ percent_of('found.bulk_n', 'found.found_n') }} as bulk_pct,
    {{ hours_of('found.report_p50_s') }} as report_p50_hours,
    {{ hours_of('found.assign_p50_s') }} as assign_p50_hours,
    {{ hours_of('found.settle_p50_s') }} as settle_p50_hours,
    {{ hours_of('found.settle_p90_s') }} as settle_p90_hours,
    residents.grids_n,
    residents.grids_n - coalesce(found.active_grids_n, 0) as silent_grids_n,
    coalesce(patrolled.patrols_n, 0) as patrols_n,
    residents.grids_n - coalesce(patrolled.patrolled_grids_n, 0) as unpatrolled_grids_n,
    {{ hours_of('patrolled.patrol_s') }} as patrol_hours,
    cast(patrolled.patrol_m / 1000 as decimal(18, 1)) as patrol_km,
    coalesce(patrolled.visits_n, 0) as visits_n,
    residents.full_time_n,
    residents.volunteers_n,
    cast(
        cast(found.found_n as decimal(18, 4)) / nullif(residents.full_time_n, 0) as decimal(12, 2)
    ) as found_per_full_time
from windows
cross join {{ ref('division_residents') }} as residents
left join
    found
    on windows.window_kind = found.window_kind
    and windows.first_on = found.first_on
    and residents.division_code = found.scope_code
left join
    patrolled
    on windows.window_kind = patrolled.window_kind
    and windows.first_on = patrolled.first_on
    and residents.division_code = patrolled.scope_code
where found.found_n is not null or patrolled.patrols_n is not null
