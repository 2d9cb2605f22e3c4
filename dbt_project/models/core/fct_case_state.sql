{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('case_key', ref('case_touched')) }}"
) }}
with versions as (
    select
        input.*,
        row_number() over (
            partition by input.case_key
            order by
                input.version_at nulls first, input.delivered_on, input.landed_at, input.file_name, input.record_no
        ) as version_no
    from {{ ref('input_case') }} as input
    {% if is_incremental() -%}
    where input.case_key in (select touched.case_key from {{ ref('case_touched') }} as touched)
    {%- endif %}
),

known as (
    select
        versions.*,
        max(versions.version_no) over (
            partition by versions.case_key
            order by versions.delivered_on
            range between unbounded preceding and current row
        ) as best_no
    from versions
),

standing as (
    select
        known.case_key,
        known.version_no,
        lead(known.delivered_on) over (partition by known.case_key order by known.delivered_on) as next_from_on
    from known
    where known.version_no = known.best_no
)

select
    known.case_key,
    cast(known.version_no as integer) as version_no,
    known.delivered_on as known_from_on,
    -- A version that never was the newest (it came late, or another came the same day) was known for no time at all.
    case when standing.case_key is null then known.delivered_on else standing.next_from_on end as known_to_on,
    known.status as state,
    status.is_closed,
    known.source_system,
    known.source_table,
    known.case_no,
    known.category_key,
    known.department_key,
    known.created_at,
    known.accepted_at,
    known.dispatched_at,
    known.first_response_at,
    known.handled_at,
    known.closed_at,
    known.deadline_at,
    known.address_key,
    known.grid_id,
    known.caller_key,
    known.repeat_of_case_key,
    known.satisfaction_no,
    known.is_solved,
    known.latitude,
    known.longitude
from known
inner join {{ ref('case_status') }} as status on known.status = status.status
left join standing on known.case_key = standing.case_key and known.version_no = standing.version_no
