-- Windows of one kind never overlap, so the one an instant lies in is the last that started before it (asof), if the
-- instant also lies before its end.
with windows as (
    select
        reporting_window.window_id,
        reporting_window.kind as window_kind,
        reporting_window.starts_on,
        reporting_window.ends_on,
        reporting_window.starts_at,
        reporting_window.ends_at
    from {{ ref('dim_reporting_window') }} as reporting_window
    inner join {{ ref('reporting_window_kind') }} as form
        on reporting_window.kind = form.kind and form.feeds_performance
),

kinds as (
    select distinct windows.window_kind
    from windows
),

cases as (
    select
        fact.case_key,
        fact.source_system,
        fact.division_code,
        fact.created_at,
        case when fact.is_closed then fact.closed_at end as closed_at,
        fact.is_time_valid,
        {{ seconds_between('fact.created_at', 'fact.closed_at') }} as open_s
    from {{ ref('fct_case') }} as fact
    where fact.is_void is not true and fact.duplicate_of_case_key is null
),

-- Rows exist for windows the source covers at least in part; days it owes are counted beside.
coverage as (
    select
        windows.window_id,
        feed.subject as source_system,
        count(*) filter (where feed.is_in) as days_in_n,
        date_diff('day', windows.starts_on, windows.ends_on) + 1 as days_n
    from windows
    inner join {{ ref('feed_day') }} as feed
        on feed.day_on >= windows.starts_on and feed.day_on <= windows.ends_on
    inner join {{ ref('case_source') }} as source on feed.subject = source.source_system
    group by windows.window_id, feed.subject, windows.starts_on, windows.ends_on
),

grid as (
    select
        windows.*,
        coverage.source_system,
        coverage.days_n - coverage.days_in_n as days_missing_n,
        division.division_code
    from windows
    inner join coverage on windows.window_id = coverage.window_id and coverage.days_in_n > 0
    cross join {{ ref('dim_admin_division') }} as division
),

accepted as (
    select
        windows.window_id,
        scope.scope_code as division_code,
        cases.source_system,
        count(*) as accepted_n,
        count(*) filter (where cases.closed_at < windows.ends_at) as closed_of_accepted_n
    from cases
    cross join kinds
    asof inner join windows on kinds.window_kind = windows.window_kind and cases.created_at >= windows.starts_at
    inner join {{ ref('bridge_division_scope') }} as scope
        on cases.division_code is not distinct from scope.division_code
    where cases.created_at < windows.ends_at
    group by windows.window_id, scope.scope_code, cases.source_system
),

closed as (
    select
        windows.window_id,
        scope.scope_code as division_code,
        cases.source_system,
        count(*) as closed_n,
        count(*) filter (where not cases.is_time_valid) as invalid_time_n,
        quantile_cont(cases.open_s, 0.5) filter (where cases.is_time_valid) as median_s,
        quantile_cont(cases.open_s, 0.9) filter (where cases.is_time_valid) as p90_s
    from cases
    cross join kinds
    asof inner join windows on kinds.window_kind = windows.window_kind and cases.closed_at >= windows.starts_at
    inner join {{ ref('bridge_division_scope') }} as scope
        on cases.division_code is not distinct from scope.division_code
    where cases.closed_at < windows.ends_at
    group by windows.window_id, scope.scope_code, cases.source_system
),

-- The stock at a window's end is a running sum of steps: +1 when a case joins the stock, -1 when it leaves it.
stocks as (
    select
        'open' as stock,
        0 as older_than_h
    union all
    select
        'long' as stock,
        {{ threshold('open_long_days') }} * 24 as older_than_h
    union all
    select
        'very_long' as stock,
        {{ threshold('open_very_long_days') }} * 24 as older_than_h
),

joined as (
    select
        stocks.stock,
        cases.source_system,
        cases.division_code,
        cases.created_at + to_hours(cast(stocks.older_than_h as bigint)) as joins_at,
        cases.closed_at
    from cases
    cross join stocks
),

steps as (
    select
        joined.stock,
        joined.source_system,
        joined.division_code,
        joined.joins_at as step_at,
        1 as step_n
    from joined
    union all
    select
        joined.stock,
        joined.source_system,
        joined.division_code,
        greatest(joined.joins_at, joined.closed_at) as step_at,
        -1 as step_n
    from joined
    where joined.closed_at is not null
),

-- Of windows that some system covers: a step before the first of them is in its stock all the same.
ends as (
    select distinct windows.ends_at
    from windows
    inner join coverage on windows.window_id = coverage.window_id and coverage.days_in_n > 0
),

stepped as (
    select
        steps.stock,
        steps.source_system,
        steps.division_code,
        ends.ends_at,
        sum(steps.step_n) as step_n
    from steps
    -- The first end after the step: a case made in the very moment a window ends belongs to the next.
    asof inner join ends on steps.step_at < ends.ends_at
    group by steps.stock, steps.source_system, steps.division_code, ends.ends_at
),

scoped as (
    select
        stepped.stock,
        stepped.source_system,
        scope.scope_code as division_code,
        stepped.ends_at,
        sum(stepped.step_n) as step_n
    from stepped
    inner join {{ ref('bridge_division_scope') }} as scope
        on stepped.division_code is not distinct from scope.division_code
    group by stepped.stock, stepped.source_system, scope.scope_code, stepped.ends_at
),

running as (
    select
        places.source_system,
        places.division_code,
        ends.ends_at,
        places.stock,
        sum(coalesce(scoped.step_n, 0)) over (
            partition by places.source_system, places.division_code, places.stock
            order by ends.ends_at
        ) as stock_n
    from ends
    cross join (
        select
            source.source_system,
            division.division_code,
            stocks.stock
        from {{ ref('case_source') }} as source
        cross join {{ ref('dim_admin_division') }} as division
        cross join stocks
    ) as places
    left join scoped
        on
            places.source_system = scoped.source_system
            and places.division_code = scoped.division_code
            and places.stock = scoped.stock
            and ends.ends_at = scoped.ends_at
),

open_at_end as (
    select
        running.source_system,
        running.division_code,
        running.ends_at,
        sum(running.stock_n) filter (where running.stock = 'open') as open_end_n,
        sum(running.stock_n) filter (where running.stock = 'long') as open_over_30d_n,
        sum(running.stock_n) filter (where running.stock = 'very_long') as open_over_365d_n
    from running
    group by running.source_system, running.division_code, running.ends_at
),

-- The hotline's own rates: what was taken on, what was due, what was settled, whom they asked, each by its own moment.
counted as (
    select counted.*
    from {{ ref('case_counted') }} as counted
),

received as (
    select
        windows.window_id,
        scope.scope_code as division_code,
        counted.source_system,
        count(*) as received_n,
        count(*) filter (where counted.is_dispatched) as dispatched_n,
        count(*) filter (where counted.is_direct) as direct_n,
        count(*) filter (where counted.bounced_n > 0) as bounced_n
    from counted
    cross join kinds
    asof inner join windows on kinds.window_kind = windows.window_kind and counted.accepted_at >= windows.starts_at
    inner join {{ ref('bridge_division_scope') }} as scope
        on counted.division_code is not distinct from scope.division_code
    where counted.accepted_at < windows.ends_at
    group by windows.window_id, scope.scope_code, counted.source_system
),

due as (
    select
        windows.window_id,
        scope.scope_code as division_code,
        counted.source_system,
        count(*) as due_n,
        count(*) filter (where counted.settled_at <= counted.deadline_at) as due_in_time_n
    from counted
    cross join kinds
    asof inner join windows on kinds.window_kind = windows.window_kind and counted.deadline_at >= windows.starts_at
    inner join {{ ref('bridge_division_scope') }} as scope
        on counted.division_code is not distinct from scope.division_code
    where counted.deadline_at < windows.ends_at and counted.is_to_settle
    group by windows.window_id, scope.scope_code, counted.source_system
),

settled as (
    select
        windows.window_id,
        scope.scope_code as division_code,
        counted.source_system,
        count(*) as settled_n,
        count(*) filter (where counted.rework_n > 0) as reopened_n,
        count(*) filter (where counted.visited_at is not null) as appraised_n
    from counted
    cross join kinds
    asof inner join windows on kinds.window_kind = windows.window_kind and counted.settled_at >= windows.starts_at
    inner join {{ ref('bridge_division_scope') }} as scope
        on counted.division_code is not distinct from scope.division_code
    where counted.settled_at < windows.ends_at and counted.is_to_settle
    group by windows.window_id, scope.scope_code, counted.source_system
),

visited as (
    select
        windows.window_id,
        scope.scope_code as division_code,
        counted.source_system,
        count(*) as visited_n,
        cast(sum(whole.weight) as bigint) as satisfied_n,
        sum(part.weight) as satisfied_weight,
        count(*) filter (where counted.is_solved) as solved_n
    from counted
    cross join kinds
    asof inner join windows on kinds.window_kind = windows.window_kind and counted.visited_at >= windows.starts_at
    inner join {{ ref('bridge_division_scope') }} as scope
        on counted.division_code is not distinct from scope.division_code
    inner join {{ std_in_force('satisfaction_weight', ['variant', 'satisfaction_no']) }} as whole
        on counted.satisfaction_no = whole.satisfaction_no and not whole.is_partial
    inner join {{ std_in_force('satisfaction_weight', ['variant', 'satisfaction_no']) }} as part
        on counted.satisfaction_no = part.satisfaction_no and part.is_partial
    where counted.visited_at < windows.ends_at
    group by windows.window_id, scope.scope_code, counted.source_system
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
    coalesce(received.received_n, 0) as received_n,
    coalesce(received.dispatched_n, 0) as dispatched_n,
    {{ percent_of('received.dispatched_n', 'received.received_n') }} as dispatch_pct,
    coalesce(received.direct_n, 0) as direct_n,
    {{ percent_of('received.direct_n', 'received.received_n') }} as direct_pct,
    {{ percent_of('received.bounced_n', 'received.dispatched_n') }} as bounce_pct,
    coalesce(due.due_n, 0) as due_cases_n,
    coalesce(due.due_in_time_n, 0) as due_in_time_n,
    {{ percent_of('due.due_in_time_n', 'due.due_n') }} as on_time_pct,
    coalesce(settled.settled_n, 0) as settled_n,
    {{ percent_of('settled.reopened_n', 'settled.settled_n') }} as reopened_pct,
    {{ percent_of('settled.appraised_n', 'settled.settled_n') }} as appraised_pct,
    coalesce(visited.visited_n, 0) as visited_n,
    {{ percent_of('visited.satisfied_n', 'visited.visited_n') }} as satisfied_pct,
    cast(100.0 * {{ wilson_low('visited.satisfied_n', 'visited.visited_n') }} as decimal(6, 2)) as satisfied_low_pct,
    cast(100.0 * {{ wilson_high('visited.satisfied_n', 'visited.visited_n') }} as decimal(6, 2)) as satisfied_high_pct,
    {{ percent_of('visited.satisfied_weight', 'visited.visited_n') }} as satisfied_weighted_pct,
    {{ percent_of('visited.solved_n', 'visited.visited_n') }} as solved_pct,
    {% if fed_by('grid') and not in_unit_test() -%}
    cast(
        cast(received.received_n * 10000 as decimal(24, 6)) / nullif(residents.resident_population_n, 0) as decimal(12, 2)
    ) as received_per_10k
    {%- else -%}
    cast(null as decimal(12, 2)) as received_per_10k
    {%- endif %}
from grid
inner join open_at_end
    on
        grid.source_system = open_at_end.source_system
        and grid.division_code = open_at_end.division_code
        and grid.ends_at = open_at_end.ends_at
left join accepted
    on
        grid.window_id = accepted.window_id
        and grid.division_code = accepted.division_code
        and grid.source_system = accepted.source_system
left join closed
    on
        grid.window_id = closed.window_id
        and grid.division_code = closed.division_code
        and grid.source_system = closed.source_system
left join received
    on
        grid.window_id = received.window_id
        and grid.division_code = received.division_code
        and grid.source_system = received.source_system
left join due
    on
        grid.window_id = due.window_id
        and grid.division_code = due.division_code
        and grid.source_system = due.source_system
left join settled
    on
        grid.window_id = settled.window_id
        and grid.division_code = settled.division_code
        and grid.source_system = settled.source_system
left join visited
    on
        grid.window_id = visited.window_id
        and grid.division_code = visited.division_code
        and grid.source_system = visited.source_system
{% if fed_by('grid') and not in_unit_test() -%}
left join {{ ref('division_residents') }} as residents on grid.division_code = residents.division_code
{%- endif %}
