{{ config(enabled=fed_by('hazard', 'accident')) }}
with
    windows as ({{ indicator_windows() }}),

    -- A hidden danger put right before anything happened at its enterprise was prevention; one found afterwards, or
    -- still open when it happened, was not.
    judged as (
        select
            hazard.*,
            not exists (
                select 1
                from {{ ref('fct_accident') }} as accident
                where
                    accident.enterprise_key = hazard.enterprise_key
                    and accident.occurred_on <= coalesce(hazard.closed_on, {{ as_of() }})
                    and accident.occurred_on >= hazard.found_on - cast({{ threshold('precursor_days') }} as integer)
            ) as is_before_event
        from {{ ref('fct_hazard_item') }} as hazard
    ),

    placed as (
        select judged.*, bridge.scope_code
        from judged
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on judged.division_code is not distinct from bridge.division_code
    ),

    found as (
        select
            windows.window_kind,
            windows.first_on,
            placed.scope_code,
            placed.gate_key,
            count(*) as found_n,
            count(*) filter (where placed.is_major) as found_major_n,
            count(*) filter (where placed.is_closed) as found_closed_n,
            count(*) filter (where placed.is_before_event) as before_event_n,
            count(*) filter (where placed.is_text_copied) as text_copied_n,
            count(*) filter (where placed.is_lec_wrong) as lec_wrong_n,
            count(*) filter (where placed.is_due_derived) as due_derived_n
        from windows
        inner join placed on placed.found_on between windows.first_on and windows.last_on
        group by windows.window_kind, windows.first_on, placed.scope_code, rollup (placed.gate_key)
    ),

    due as (
        select
            windows.window_kind,
            windows.first_on,
            placed.scope_code,
            placed.gate_key,
            count(*) as due_n,
            count(*) filter (where placed.closed_on <= placed.due_on) as on_time_n
        from windows
        inner join placed on placed.due_on between windows.first_on and windows.last_on
        group by windows.window_kind, windows.first_on, placed.scope_code, rollup (placed.gate_key)
    ),

    closed as (
        select
            windows.window_kind,
            windows.first_on,
            placed.scope_code,
            placed.gate_key,
            count(*) as closed_n,
            count(*) filter (where placed.is_closed_without_photo) as closed_without_photo_n,
            quantile_cont(placed.closed_on - placed.found_on, 0.5) as closing_days_p50,
            quantile_cont(placed.closed_on - placed.found_on, 0.9) as closing_days_p90
        from windows
        inner join placed on placed.closed_on between windows.first_on and windows.last_on
        group by windows.window_kind, windows.first_on, placed.scope_code, rollup (placed.gate_key)
    ),

    stock as (
        select
            windows.window_kind,
            windows.first_on,
            placed.scope_code,
            placed.gate_key,
            count(*) as open_n,
            count(*) filter (where placed.is_major) as open_major_n,
            count(*) filter (where placed.due_on < windows.last_on) as overdue_n,
            count(*) filter (
                where windows.last_on - placed.found_on > {{ threshold('hazard_old_days') }}
            ) as open_old_n,
            quantile_cont(windows.last_on - placed.found_on, 0.5) as age_days_p50,
            quantile_cont(windows.last_on - placed.found_on, 0.9) as age_days_p90
        from windows
        inner join
            placed
            on placed.found_on <= windows.last_on
            and (placed.closed_on is null or placed.closed_on > windows.last_on)
        group by windows.window_kind, windows.first_on, placed.scope_code, rollup (placed.gate_key)
    ),

    events as (
        select windows.window_kind, windows.first_on, bridge.scope_code, count(*) as events_n
        from windows
        inner join
            {{ ref('fct_accident') }} as accident on accident.occurred_on between windows.first_on and windows.last_on
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on accident.division_code is not distinct from bridge.division_code
        group by windows.window_kind, windows.first_on, bridge.scope_code
    ),

    keys as (
        select found.window_kind, found.first_on, found.scope_code, found.gate_key
        from found
        union
        select due.window_kind, due.first_on, due.scope_code, due.gate_key
        from due
        union
        select closed.window_kind, closed.first_on, closed.scope_code, closed.gate_key
        from closed
        union
        select stock.window_kind, stock.first_on, stock.scope_code, stock.gate_key
        from stock
    )

select
    keys.window_kind,
    keys.first_on,
    windows.last_on,
    keys.scope_code as division_code,
    -- Without a gate: all gates together.
    coalesce(gate.gate, everything.gate) as gate,
    coalesce(found.found_n, 0) as found_n,
    coalesce(found.found_major_n, 0) as found_major_n,
    coalesce(found.found_closed_n, 0) as found_closed_n,
    {{ percent_of('found.found_closed_n', 'found.found_n') }} as closed_pct,
    coalesce(due.due_n, 0) as due_n,
    coalesce(due.on_time_n, 0) as on_time_n,
    {{ percent_of('due.on_time_n', 'due.due_n') }} as on_time_pct,
    coalesce(closed.closed_n, 0) as closed_n,
    cast(closed.closing_days_p50 as decimal(9, 1)) as closing_days_p50,
    cast(closed.closing_days_p90 as decimal(9, 1)) as closing_days_p90,
    coalesce(closed.closed_without_photo_n, 0) as closed_without_photo_n,
    coalesce(stock.open_n, 0) as open_n,
    coalesce(stock.open_major_n, 0) as open_major_n,
    coalesce(stock.overdue_n, 0) as overdue_n,
    coalesce(stock.open_old_n, 0) as open_old_n,
    cast(stock.age_days_p50 as decimal(9, 1)) as age_days_p50,
    cast(stock.age_days_p90 as decimal(9, 1)) as age_days_p90,
    coalesce(found.text_copied_n, 0) as text_copied_n,
    coalesce(found.lec_wrong_n, 0) as lec_wrong_n,
    coalesce(found.due_derived_n, 0) as due_derived_n,
    coalesce(found.before_event_n, 0) as before_event_n,
    coalesce(events.events_n, 0) as events_n,
    {{ percent_of('found.before_event_n', '(found.found_n + coalesce(events.events_n, 0))') }} as prevention_pct
from keys
inner join windows on keys.window_kind = windows.window_kind and keys.first_on = windows.first_on
cross join (select '全部' as gate) as everything
left join {{ ref('risk_gate') }} as gate on keys.gate_key = gate.gate_key
left join
    found
    on keys.window_kind = found.window_kind
    and keys.first_on = found.first_on
    and keys.scope_code = found.scope_code
    and keys.gate_key is not distinct from found.gate_key
left join
    due
    on keys.window_kind = due.window_kind
    and keys.first_on = due.first_on
    and keys.scope_code = due.scope_code
    and keys.gate_key is not distinct from due.gate_key
left join
    closed
    on keys.window_kind = closed.window_kind
    and keys.first_on = closed.first_on
    and keys.scope_code = closed.scope_code
    and keys.gate_key is not distinct from closed.gate_key
left join
    stock
    on keys.window_kind = stock.window_kind
    and keys.first_on = stock.first_on
    and keys.scope_code = stock.scope_code
    and keys.gate_key is not distinct from stock.gate_key
left join
    events
    on keys.window_kind = events.window_kind
    and keys.first_on = events.first_on
    and keys.scope_code = events.scope_code
