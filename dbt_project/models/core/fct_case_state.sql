{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('case_key', ref('case_touched')) }}"
) }}
with
    versions as (
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
            versions.case_key,
            versions.version_no,
            versions.delivered_on,
            versions.is_withdrawn,
            {{ case_place_digest('versions') }} as place_digest,
            max(versions.version_no) over (
                partition by versions.case_key
                order by versions.delivered_on
                range between unbounded preceding and current row
            ) as best_no,
            -- A withdrawal may say nothing but which case is gone: it is told as it last was.
            max(case when not versions.is_withdrawn then versions.version_no end) over (
                partition by versions.case_key
                order by versions.version_no
                rows between unbounded preceding and current row
            ) as told_no
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
    told.status as state,
    status.is_closed,
    known.is_withdrawn,
    told.is_void,
    told.source_system,
    told.source_table,
    told.case_no,
    told.category_key,
    told.department_key,
    told.request_type,
    told.channel,
    told.level_no,
    told.created_at,
    told.reported_at,
    told.accepted_at,
    told.dispatched_at,
    told.first_response_at,
    told.handled_at,
    told.closed_at,
    told.visit_tried_at,
    told.visited_at,
    told.deadline_at,
    told.is_deadline_inferred,
    told.address_key,
    told.grid_id,
    told.caller_key,
    told.repeat_of_case_key,
    told.satisfaction_no,
    told.is_solved,
    told.is_valid,
    told.is_direct,
    told.is_dispatched,
    told.is_delayed,
    told.bounced_n,
    told.rework_n,
    told.stated_division_code,
    told.certain_division_code,
    told.latitude,
    told.longitude,
    told.version_at,
    known.place_digest
from known
inner join versions as told on known.case_key = told.case_key and known.told_no = told.version_no
inner join {{ ref('case_status') }} as status on told.status = status.status
left join standing on known.case_key = standing.case_key and known.version_no = standing.version_no
