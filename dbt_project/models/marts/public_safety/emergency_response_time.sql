{{ config(enabled=fed_by('fire_incident', 'ems_call', 'police_incident')) }}
with
    calls as (
        select
            '119' as line_no,
            fire.alarmed_on as day_on,
            fire.division_code,
            {{ seconds_between('fire.alarmed_at', 'fire.dispatched_at') }} as dispatch_s,
            {{ seconds_between('fire.alarmed_at', 'fire.arrived_at') }} as arrive_s,
            {{ threshold('fire_arrival_minutes') }} as target_minutes
        from {{ ref('fct_fire_incident') }} as fire
        union all
        select
            '120' as line_no,
            ems.called_on as day_on,
            ems.division_code,
            {{ seconds_between('ems.called_at', 'ems.dispatched_at') }} as dispatch_s,
            {{ seconds_between('ems.called_at', 'ems.arrived_at') }} as arrive_s,
            {{ threshold('ems_arrival_minutes') }} as target_minutes
        from {{ ref('fct_ems_call') }} as ems
        union all
        select
            '110' as line_no,
            police.called_on as day_on,
            police.division_code,
            cast(null as bigint) as dispatch_s,
            {{ seconds_between('police.called_at', 'police.arrived_at') }} as arrive_s,
            {{ threshold('police_arrival_minutes') }} as target_minutes
        from {{ ref('fct_police_incident') }} as police
        where not police.is_repeat
    )

select
    calls.line_no,
    span.window_kind,
    span.first_on,
    span.last_on,
    scope.scope_code as division_code,
    count(*) as calls_n,
    count(calls.arrive_s) as arrived_n,
    cast({{ minutes_of('quantile_cont(calls.dispatch_s, 0.5)') }} as decimal(9, 2)) as dispatch_p50_min,
    cast({{ minutes_of('quantile_cont(calls.arrive_s, 0.5)') }} as decimal(9, 2)) as response_p50_min,
    cast({{ minutes_of('quantile_cont(calls.arrive_s, 0.9)') }} as decimal(9, 2)) as response_p90_min,
    max(calls.target_minutes) as target_min,
    count(*) filter (where {{ minutes_of('calls.arrive_s') }} <= calls.target_minutes) as within_target_n,
    cast(
        count(*) filter (where {{ minutes_of('calls.arrive_s') }} <= calls.target_minutes)
        * 100.0
        / nullif(count(calls.arrive_s), 0) as decimal(5, 1)
    ) as within_target_pct
from calls
inner join ({{ indicator_windows() }}) as span on calls.day_on between span.first_on and span.last_on
inner join {{ ref('bridge_division_scope') }} as scope on calls.division_code is not distinct from scope.division_code
group by calls.line_no, span.window_kind, span.first_on, span.last_on, scope.scope_code
