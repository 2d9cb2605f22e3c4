-- A case has four or five moments and each of them lies in a window of every kind. To find the window of each would be
-- to sort all cases again and again; so a moment finds the last mark before it, a mark being where any window begins or
-- ends, and the marks lead to the windows.
with
    every_window as (
        select
            reporting_window.window_id,
            reporting_window.kind as window_kind,
            reporting_window.starts_on,
            reporting_window.ends_on,
            reporting_window.starts_at,
            reporting_window.ends_at
        from {{ ref('dim_reporting_window') }} as reporting_window
        inner join
            {{ ref('reporting_window_kind') }} as form on reporting_window.kind = form.kind and form.feeds_performance
    ),

    -- Rows exist for windows the source covers at least in part; days it owes are counted beside.
    coverage as (
        select
            reporting_window.window_id,
            feed.subject as source_system,
            count(*) as days_in_n,
            date_diff('day', reporting_window.starts_on, reporting_window.ends_on) + 1 as days_n
        from every_window as reporting_window
        inner join
            {{ ref('feed_day') }} as feed
            on feed.day_on >= reporting_window.starts_on
            and feed.day_on <= reporting_window.ends_on
            and feed.is_in
        inner join {{ ref('case_source') }} as source on feed.subject = source.source_system
        group by reporting_window.window_id, feed.subject, reporting_window.starts_on, reporting_window.ends_on
    ),

    windows as (
        select reporting_window.*
        from every_window as reporting_window
        where reporting_window.window_id in (select coverage.window_id from coverage)
    ),

    marks as (
        select windows.starts_at as mark_at
        from windows
        union
        select windows.ends_at as mark_at
        from windows
    ),

    marked_windows as (
        select marks.mark_at, windows.window_id, windows.ends_at
        from windows
        inner join marks on windows.starts_at <= marks.mark_at and windows.ends_at > marks.mark_at
    ),

    cases as (
        select
            fact.source_system,
            fact.division_code,
            fact.created_at,
            case when fact.is_closed then fact.closed_at end as closed_at,
            fact.is_time_valid,
            {{ seconds_between('fact.created_at', 'fact.closed_at') }} as open_s
        from {{ ref('fct_case') }} as fact
        where fact.is_void is not true and fact.duplicate_of_case_key is null
    ),

    grid as (
        select
            windows.*,
            coverage.source_system,
            coverage.days_n - coverage.days_in_n as days_missing_n,
            division.division_code
        from windows
        inner join coverage on windows.window_id = coverage.window_id
        cross join {{ ref('dim_admin_division') }} as division
    ),

    made as (
        select
            marked.window_id,
            cases.division_code,
            cases.source_system,
            count(*) as accepted_n,
            count(*) filter (where cases.closed_at < marked.ends_at) as closed_of_accepted_n
        from cases
        asof inner join marks on cases.created_at >= marks.mark_at
        inner join marked_windows as marked on marks.mark_at = marked.mark_at
        group by marked.window_id, cases.division_code, cases.source_system
    ),

    accepted as (
        select
            made.window_id,
            scope.scope_code as division_code,
            made.source_system,
            sum(made.accepted_n) as accepted_n,
            sum(made.closed_of_accepted_n) as closed_of_accepted_n
        from made
        inner join
            {{ ref('bridge_division_scope') }} as scope on made.division_code is not distinct from scope.division_code
        group by made.window_id, scope.scope_code, made.source_system
    ),

    closed as (
        select
            marked.window_id,
            scope.scope_code as division_code,
            cases.source_system,
            count(*) as closed_n,
            count(*) filter (where not cases.is_time_valid) as invalid_time_n,
            quantile_cont(cases.open_s, 0.5) filter (where cases.is_time_valid) as median_s,
            quantile_cont(cases.open_s, 0.9) filter (where cases.is_time_valid) as p90_s
        from cases
        asof inner join marks on cases.closed_at >= marks.mark_at
        inner join marked_windows as marked on marks.mark_at = marked.mark_at
        inner join
            {{ ref('bridge_division_scope') }} as scope on cases.division_code is not distinct from scope.division_code
        group by marked.window_id, scope.scope_code, cases.source_system
    ),

    -- The stock at a window's end is a running sum of steps: +1 when a case joins the stock, -1 when it leaves it.
    -- Three stocks: of all open cases, of those open for long, and for very long.
    stocks as (
        select 0 as older_than_h, 1 as is_open, 0 as is_long, 0 as is_very_long
        union all
        select {{ threshold('open_long_days') }} * 24 as older_than_h, 0 as is_open, 1 as is_long, 0 as is_very_long
        union all
        select
            {{ threshold('open_very_long_days') }} * 24 as older_than_h, 0 as is_open, 0 as is_long, 1 as is_very_long
    ),

    joined as (
        select
            stocks.is_open,
            stocks.is_long,
            stocks.is_very_long,
            cases.source_system,
            cases.division_code,
            cases.created_at + to_hours(cast(stocks.older_than_h as bigint)) as joins_at,
            cases.closed_at
        from cases
        cross join stocks
    ),

    steps as (
        select
            joined.source_system,
            joined.division_code,
            joined.joins_at as step_at,
            joined.is_open,
            joined.is_long,
            joined.is_very_long
        from joined
        union all
        select
            joined.source_system,
            joined.division_code,
            greatest(joined.joins_at, joined.closed_at) as step_at,
            - joined.is_open as is_open,
            - joined.is_long as is_long,
            - joined.is_very_long as is_very_long
        from joined
        where joined.closed_at is not null
    ),

    -- Of windows that some system covers: a step before the first of them is in its stock all the same.
    ends as (select distinct windows.ends_at from windows),

    stepped as (
        select
            steps.source_system,
            steps.division_code,
            ends.ends_at,
            sum(steps.is_open) as open_n,
            sum(steps.is_long) as long_n,
            sum(steps.is_very_long) as very_long_n
        from steps
        -- The first end after the step: a case made in the very moment a window ends belongs to the next.
        asof inner join ends on steps.step_at < ends.ends_at
        group by steps.source_system, steps.division_code, ends.ends_at
    ),

    scoped as (
        select
            stepped.source_system,
            scope.scope_code as division_code,
            stepped.ends_at,
            sum(stepped.open_n) as open_n,
            sum(stepped.long_n) as long_n,
            sum(stepped.very_long_n) as very_long_n
        from stepped
        inner join
            {{ ref('bridge_division_scope') }} as scope
            on stepped.division_code is not distinct from scope.division_code
        group by stepped.source_system, scope.scope_code, stepped.ends_at
    ),

    open_at_end as (
        select
            places.source_system,
            places.division_code,
            ends.ends_at,
            sum(coalesce(scoped.open_n, 0)) over so_far as open_end_n,
            sum(coalesce(scoped.long_n, 0)) over so_far as open_over_30d_n,
            sum(coalesce(scoped.very_long_n, 0)) over so_far as open_over_365d_n
        from ends
        cross join
            (
                select source.source_system, division.division_code
                from {{ ref('case_source') }} as source
                cross join {{ ref('dim_admin_division') }} as division
            ) as places
        left join
            scoped
            on places.source_system = scoped.source_system
            and places.division_code = scoped.division_code
            and ends.ends_at = scoped.ends_at
        window so_far as (partition by places.source_system, places.division_code order by ends.ends_at)
    ),

    -- The hotline's own rates: what was taken on, what was due, what was settled,
    -- whom they asked, each by its own moment.
    counted as (select counted.* from {{ ref('case_counted') }} as counted),

    told_of_mark as (
        select
            marks.mark_at,
            counted.division_code,
            counted.source_system,
            count(*) as received_n,
            count(*) filter (where counted.is_dispatched) as dispatched_n,
            count(*) filter (where counted.is_direct) as direct_n,
            count(*) filter (where counted.bounced_n > 0) as bounced_n
        from counted
        asof inner join marks on counted.accepted_at >= marks.mark_at
        group by marks.mark_at, counted.division_code, counted.source_system
        union all by name
        select
            marks.mark_at,
            counted.division_code,
            counted.source_system,
            count(*) as due_n,
            count(*) filter (where counted.settled_at <= counted.deadline_at) as due_in_time_n
        from counted
        asof inner join marks on counted.deadline_at >= marks.mark_at
        where counted.is_to_settle
        group by marks.mark_at, counted.division_code, counted.source_system
        union all by name
        select
            marks.mark_at,
            counted.division_code,
            counted.source_system,
            count(*) as settled_n,
            count(*) filter (where counted.rework_n > 0) as reopened_n,
            count(*) filter (where counted.visited_at is not null) as appraised_n
        from counted
        asof inner join marks on counted.settled_at >= marks.mark_at
        where counted.is_to_settle
        group by marks.mark_at, counted.division_code, counted.source_system
        union all by name
        select
            marks.mark_at,
            counted.division_code,
            counted.source_system,
            count(*) as visited_n,
            sum(whole.weight) as satisfied_n,
            sum(part.weight) as satisfied_weight,
            count(*) filter (where counted.is_solved) as solved_n
        from counted
        asof inner join marks on counted.visited_at >= marks.mark_at
        inner join
            {{ std_in_force('satisfaction_weight', ['variant', 'satisfaction_no']) }} as whole
            on counted.satisfaction_no = whole.satisfaction_no
            and not whole.is_partial
        inner join
            {{ std_in_force('satisfaction_weight', ['variant', 'satisfaction_no']) }} as part
            on counted.satisfaction_no = part.satisfaction_no
            and part.is_partial
        group by marks.mark_at, counted.division_code, counted.source_system
    ),

    told as (
        select
            marked.window_id,
            scope.scope_code as division_code,
            of_mark.source_system,
            cast(sum(of_mark.received_n) as bigint) as received_n,
            cast(sum(of_mark.dispatched_n) as bigint) as dispatched_n,
            cast(sum(of_mark.direct_n) as bigint) as direct_n,
            cast(sum(of_mark.bounced_n) as bigint) as bounced_n,
            cast(sum(of_mark.due_n) as bigint) as due_n,
            cast(sum(of_mark.due_in_time_n) as bigint) as due_in_time_n,
            cast(sum(of_mark.settled_n) as bigint) as settled_n,
            cast(sum(of_mark.reopened_n) as bigint) as reopened_n,
            cast(sum(of_mark.appraised_n) as bigint) as appraised_n,
            cast(sum(of_mark.visited_n) as bigint) as visited_n,
            cast(sum(of_mark.satisfied_n) as bigint) as satisfied_n,
            sum(of_mark.satisfied_weight) as satisfied_weight,
            cast(sum(of_mark.solved_n) as bigint) as solved_n
        from told_of_mark as of_mark
        inner join marked_windows as marked on of_mark.mark_at = marked.mark_at
        inner join
            {{ ref('bridge_division_scope') }} as scope
            on of_mark.division_code is not distinct from scope.division_code
        group by marked.window_id, scope.scope_code, of_mark.source_system
    )

select
    grid.window_id,
    grid.division_code,
    grid.source_system,
    grid.window_kind,
    grid.starts_on,
    grid.ends_on,
    cast(coalesce(accepted.accepted_n, 0) as bigint) as accepted_n,
    cast(coalesce(closed.closed_n, 0) as bigint) as closed_n,
    cast(coalesce(accepted.closed_of_accepted_n, 0) as bigint) as closed_of_accepted_n,
    cast(open_at_end.open_end_n as bigint) as open_end_n,
    cast(open_at_end.open_over_30d_n as bigint) as open_over_30d_n,
    cast(open_at_end.open_over_365d_n as bigint) as open_over_365d_n,
    {{ hours_of('closed.median_s') }} as median_close_hours,
    {{ hours_of('closed.p90_s') }} as p90_close_hours,
    cast(coalesce(closed.invalid_time_n, 0) as bigint) as invalid_time_n,
    cast(grid.days_missing_n as bigint) as days_missing_n,
    coalesce(told.received_n, 0) as received_n,
    coalesce(told.dispatched_n, 0) as dispatched_n,
    {{ percent_of('told.dispatched_n', 'told.received_n') }} as dispatch_pct,
    coalesce(told.direct_n, 0) as direct_n,
    {{ percent_of('told.direct_n', 'told.received_n') }} as direct_pct,
    {{ percent_of('told.bounced_n', 'told.dispatched_n') }} as bounce_pct,
    coalesce(told.due_n, 0) as due_cases_n,
    coalesce(told.due_in_time_n, 0) as due_in_time_n,
    {{ percent_of('told.due_in_time_n', 'told.due_n') }} as on_time_pct,
    coalesce(told.settled_n, 0) as settled_n,
    {{ percent_of('told.reopened_n', 'told.settled_n') }} as reopened_pct,
    {{ percent_of('told.appraised_n', 'told.settled_n') }} as appraised_pct,
    coalesce(told.visited_n, 0) as visited_n,
    {{ percent_of('told.satisfied_n', 'told.visited_n') }} as satisfied_pct,
    cast(100.0 * {{ wilson_low('told.satisfied_n', 'told.visited_n') }} as decimal(6, 2)) as satisfied_low_pct,
    cast(100.0 * {{ wilson_high('told.satisfied_n', 'told.visited_n') }} as decimal(6, 2)) as satisfied_high_pct,
    {{ percent_of('told.satisfied_weight', 'told.visited_n') }} as satisfied_weighted_pct,
    {{ percent_of('told.solved_n', 'told.visited_n') }} as solved_pct,
    {% if fed_by('grid') and not in_unit_test() -%}
        cast(
            cast(told.received_n * 10000 as decimal(24, 6))
            / nullif(residents.resident_population_n, 0) as decimal(12, 2)
        ) as received_per_10k
    {%- else -%} cast(null as decimal(12, 2)) as received_per_10k
    {%- endif %}
from grid
inner join
    open_at_end
    on grid.source_system = open_at_end.source_system
    and grid.division_code = open_at_end.division_code
    and grid.ends_at = open_at_end.ends_at
left join
    accepted
    on grid.window_id = accepted.window_id
    and grid.division_code = accepted.division_code
    and grid.source_system = accepted.source_system
left join
    closed
    on grid.window_id = closed.window_id
    and grid.division_code = closed.division_code
    and grid.source_system = closed.source_system
left join
    told
    on grid.window_id = told.window_id
    and grid.division_code = told.division_code
    and grid.source_system = told.source_system
{% if fed_by('grid') and not in_unit_test() -%}
    left join {{ ref('division_residents') }} as residents on grid.division_code = residents.division_code
{%- endif %}
