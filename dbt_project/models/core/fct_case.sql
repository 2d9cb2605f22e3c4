{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('case_key', ref('case_touched')) }}"
) }}
with newest as (
    select state.*
    from {{ ref('fct_case_state') }} as state
    where
        state.known_to_on is null and not state.is_withdrawn
        {% if is_incremental() -%}
        and state.case_key in (select touched.case_key from {{ ref('case_touched') }} as touched)
        {%- endif %}
),

versions as (
    select
        state.case_key,
        cast(count(*) as integer) as version_n
    from {{ ref('fct_case_state') }} as state
    group by state.case_key
),

located as ({{ divisions_of_points('newest') }})

select
    newest.case_key,
    newest.source_system,
    newest.case_no,
    newest.category_key,
    newest.department_key,
    coalesce(located.division_code, newest.stated_division_code) as division_code,
    newest.created_at,
    {{ civil_date('newest.created_at') }} as created_on,
    newest.accepted_at,
    newest.dispatched_at,
    newest.first_response_at,
    newest.handled_at,
    newest.closed_at,
    {{ civil_date('newest.closed_at') }} as closed_on,
    newest.deadline_at,
    newest.state as status,
    newest.is_closed and newest.closed_at is not null as is_closed,
    coalesce(newest.closed_at >= newest.created_at, true) as is_time_valid,
    newest.address_key,
    newest.grid_id,
    newest.caller_key,
    newest.repeat_of_case_key,
    newest.satisfaction_no,
    newest.is_solved,
    newest.latitude,
    newest.longitude,
    newest.known_from_on as last_delivery_on,
    versions.version_n
from newest
inner join versions on newest.case_key = versions.case_key
left join located on newest.latitude = located.latitude and newest.longitude = located.longitude
