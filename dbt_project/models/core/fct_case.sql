{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('case_key', ref('case_retold')) }}"
) }}
{%- set retold -%}
    {% if is_incremental() -%}
        state.case_key in (select touched.case_key from {{ ref('case_retold') }} as touched)
    {%- else -%} true
    {%- endif %}
{%- endset %}
with
    newest as (
        select state.*
        from {{ ref('fct_case_state') }} as state
        where state.known_to_on is null and not state.is_withdrawn and {{ retold }}
    ),

    versions as (
        select
            state.case_key,
            cast(count(*) as integer) as version_n,
            -- Whoever was reached the first time need not answer the second: the visit that counts is the last
            -- effective one. Of a table that is written over it may never have been read; then its day is not known.
            arg_max(state.visited_at, state.version_no) filter (where state.visited_at is not null) as visited_at
        from {{ ref('fct_case_state') }} as state
        where {{ retold }}
        group by state.case_key
    ),

    -- Where the closing is told wrongly, the version in which the case first stood closed tells its moment, unless its
    -- time is that of the visit.
    closings as (
        select state.case_key, state.rework_n, min(state.version_at) as version_at
        from {{ ref('fct_case_state') }} as state
        where
            state.is_closed
            and state.closed_at < state.created_at
            and state.version_at is distinct from state.visit_tried_at
            and {{ retold }}
        group by state.case_key, state.rework_n
    ),

    located as ({{ divisions_of_points('newest') }})

select
    newest.case_key,
    newest.source_system,
    newest.case_no,
    newest.category_key,
    newest.department_key,
    coalesce(newest.certain_division_code, located.division_code, newest.stated_division_code) as division_code,
    newest.request_type,
    newest.channel,
    newest.level_no,
    newest.created_at,
    {{ civil_date('newest.created_at') }} as created_on,
    newest.reported_at,
    newest.accepted_at,
    newest.dispatched_at,
    newest.first_response_at,
    newest.handled_at,
    newest.closed_at,
    {{ civil_date('newest.closed_at') }} as closed_on,
    case
        when not newest.is_closed or newest.closed_at is null
        then null
        when newest.closed_at >= newest.created_at
        then newest.closed_at
        else coalesce(closings.version_at, newest.handled_at)
    end as settled_at,
    newest.visit_tried_at,
    case when newest.satisfaction_no is not null then versions.visited_at end as visited_at,
    newest.deadline_at,
    newest.is_deadline_inferred,
    newest.state as status,
    newest.is_closed and newest.closed_at is not null as is_closed,
    coalesce(newest.closed_at >= newest.created_at, true) as is_time_valid,
    newest.address_key,
    newest.grid_id,
    newest.caller_key,
    newest.repeat_of_case_key,
    link.duplicate_of_case_key,
    coalesce(link.happening_key, newest.case_key) as happening_key,
    newest.satisfaction_no,
    newest.is_solved,
    newest.is_valid,
    newest.is_direct,
    newest.is_dispatched,
    newest.is_delayed,
    newest.bounced_n,
    newest.rework_n,
    newest.is_void,
    newest.latitude,
    newest.longitude,
    newest.known_from_on as last_delivery_on,
    versions.version_n
from newest
inner join versions on newest.case_key = versions.case_key
left join {{ ref('case_link') }} as link on newest.case_key = link.case_key
left join closings on newest.case_key = closings.case_key and newest.rework_n is not distinct from closings.rework_n
left join located on newest.latitude = located.latitude and newest.longitude = located.longitude
