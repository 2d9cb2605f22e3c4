{{ config(enabled=fed_by('case', 'grid')) }}
with
    windows as ({{ indicator_windows() }}),

    -- From whom to whom: a dispatch comes from the centre of its system, a hand-over from the department before.
    passes as (
        select
            step.case_key,
            {{ civil_date('step.ended_at') }} as passed_on,
            coalesce(step.from_department_key, centre.department_key) as from_department_key,
            step.to_department_key,
            step.is_returned,
            kind.is_hand_over,
            {{ seconds_between('step.started_at', 'step.ended_at') }} as wait_s
        from {{ ref('fct_case_step') }} as step
        inner join {{ ref('case_step') }} as kind on step.step = kind.step and (kind.is_dispatch or kind.is_hand_over)
        inner join {{ ref('case_counted') }} as counted on step.case_key = counted.case_key
        inner join {{ ref('case_source') }} as source on counted.source_system = source.source_system
        inner join {{ ref('case_centre') }} as centre on source.source_system = centre.source_system
        where step.to_department_key is not null
    ),

    edges as (
        select
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            passes.from_department_key,
            passes.to_department_key,
            count(*) as passes_n,
            count(*) filter (where passes.is_hand_over) as hand_overs_n,
            count(*) filter (where passes.is_returned) as returned_n,
            count(distinct passes.case_key) as cases_n,
            quantile_cont(passes.wait_s, 0.5) as wait_p50_s
        from windows
        inner join passes on passes.passed_on >= windows.first_on and passes.passed_on <= windows.last_on
        group by
            windows.window_kind, windows.first_on, windows.last_on, passes.from_department_key, passes.to_department_key
    ),

    -- What the receiving department needs from then on, and how often it sends back.
    worked as (
        select
            windows.window_kind,
            windows.first_on,
            counted.department_key,
            quantile_cont({{ seconds_between('counted.dispatched_at', 'counted.handled_at') }}, 0.5) as work_p50_s,
            count(*) as settled_n,
            count(*) filter (where counted.bounced_n > 0) as bounced_cases_n,
            cast(sum(counted.bounced_n) as bigint) as bounces_n
        from windows
        inner join
            {{ ref('case_counted') }} as counted
            on counted.settled_on >= windows.first_on
            and counted.settled_on <= windows.last_on
        where counted.is_dispatched and counted.dispatched_at is not null
        group by windows.window_kind, windows.first_on, counted.department_key
    )

select
    edges.window_kind,
    edges.first_on as starts_on,
    edges.last_on as ends_on,
    edges.from_department_key,
    edges.to_department_key,
    edges.passes_n,
    edges.hand_overs_n,
    edges.returned_n,
    edges.cases_n,
    {{ hours_of('edges.wait_p50_s') }} as wait_p50_hours,
    {{ hours_of('worked.work_p50_s') }} as work_p50_hours,
    worked.settled_n as receiver_settled_n,
    worked.bounced_cases_n as receiver_bounced_cases_n,
    worked.bounces_n as receiver_bounces_n,
    coalesce(back.passes_n, 0) as passes_back_n,
    back.passes_n is not null as is_mutual,
    count(*) over receiving as receiver_in_degree_n,
    cast(sum(edges.passes_n) over receiving as bigint) as receiver_passes_n,
    {{ percent_of('edges.passes_n', 'sum(edges.passes_n) over whole') }} as passes_share_pct,
    cast(
        dense_rank() over (
            partition by edges.window_kind, edges.first_on order by worked.work_p50_s desc nulls last
        ) as integer
    ) as bottleneck_rank_no
from edges
left join
    edges as back
    on edges.window_kind = back.window_kind
    and edges.first_on = back.first_on
    and case when edges.from_department_key <> edges.to_department_key then edges.from_department_key end
    = back.to_department_key
    and edges.to_department_key = back.from_department_key
left join
    worked
    on edges.window_kind = worked.window_kind
    and edges.first_on = worked.first_on
    and edges.to_department_key = worked.department_key
window
    receiving as (partition by edges.window_kind, edges.first_on, edges.to_department_key),
    whole as (partition by edges.window_kind, edges.first_on)
