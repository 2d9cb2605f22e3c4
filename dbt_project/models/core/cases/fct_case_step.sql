{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('case_key', ref('case_retold')) }}"
) }}
with
    cases as (
        select fact.*
        from {{ ref('fct_case') }} as fact
        {% if is_incremental() -%}
            where fact.case_key in (select touched.case_key from {{ ref('case_retold') }} as touched)
        {%- endif %}
    ),

    -- What the versions tell of departments: a case that stood with one and then with another was handed over.
    told as (
        select
            state.case_key,
            state.version_at,
            state.version_no,
            state.department_key,
            lag(state.department_key) over (partition by state.case_key order by state.version_no) as before_key,
            lag(state.bounced_n) over (partition by state.case_key order by state.version_no)
            < state.bounced_n as is_returned
        from {{ ref('fct_case_state') }} as state
        inner join cases on state.case_key = cases.case_key
        where state.dispatched_at is not null
    ),

    steps as (
        select
            cases.case_key,
            'accept' as step,
            cast(null as varchar) as from_department_key,
            cast(null as varchar) as to_department_key,
            cases.created_at as started_at,
            cases.accepted_at as ended_at,
            cast(null as timestamp with time zone) as deadline_at,
            false as is_returned,
            0 as version_no
        from cases
        union all
        select
            cases.case_key,
            'dispatch' as step,
            cast(null as varchar) as from_department_key,
            cases.department_key as to_department_key,
            coalesce(cases.accepted_at, cases.created_at) as started_at,
            cases.dispatched_at as ended_at,
            cast(null as timestamp with time zone) as deadline_at,
            false as is_returned,
            0 as version_no
        from cases
        union all
        select
            told.case_key,
            'hand_over' as step,
            told.before_key as from_department_key,
            told.department_key as to_department_key,
            told.version_at as started_at,
            told.version_at as ended_at,
            cast(null as timestamp with time zone) as deadline_at,
            coalesce(told.is_returned, false) as is_returned,
            told.version_no
        from told
        where told.before_key <> told.department_key
        union all
        select
            cases.case_key,
            'handle' as step,
            cases.department_key as from_department_key,
            cases.department_key as to_department_key,
            coalesce(cases.dispatched_at, cases.accepted_at, cases.created_at) as started_at,
            cases.handled_at as ended_at,
            cases.deadline_at,
            coalesce(cases.bounced_n, 0) > 0 as is_returned,
            0 as version_no
        from cases
        union all
        select
            cases.case_key,
            'close' as step,
            cases.department_key as from_department_key,
            cast(null as varchar) as to_department_key,
            cases.handled_at as started_at,
            cases.settled_at as ended_at,
            cases.deadline_at,
            coalesce(cases.rework_n, 0) > 0 as is_returned,
            0 as version_no
        from cases
        union all
        select
            cases.case_key,
            'visit' as step,
            cast(null as varchar) as from_department_key,
            cast(null as varchar) as to_department_key,
            cases.settled_at as started_at,
            cases.visited_at as ended_at,
            cast(null as timestamp with time zone) as deadline_at,
            false as is_returned,
            0 as version_no
        from cases
    )

select
    steps.case_key,
    cast(
        row_number() over (partition by steps.case_key order by kind.order_no, steps.version_no) as integer
    ) as step_no,
    steps.step,
    steps.from_department_key,
    steps.to_department_key,
    steps.started_at,
    steps.ended_at,
    steps.deadline_at,
    steps.is_returned
from steps
inner join {{ ref('case_step') }} as kind on steps.step = kind.step
where steps.ended_at is not null
