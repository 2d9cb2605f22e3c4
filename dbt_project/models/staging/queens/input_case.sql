-- A table: thousands of small files are read once.
{{ config(materialized='table') }}
with
    delivered as (
        select 'hotline' as source_system, 'nyc311__service_request' as source_table, request.*
        from {{ ref('stg_nyc311__service_request') }} as request
        union all
        select 'patrol' as source_system, 'dot__street_defect' as source_table, defect.*
        from {{ ref('stg_dot__street_defect') }} as defect
    )

select
    delivered.source_system || '|' || delivered.case_no as case_key,
    delivered.source_system,
    delivered.source_table,
    delivered.case_no,
    coalesce(crosswalk.category_key, unmapped_category.category_key) as category_key,
    coalesce(alias.department_key, unmapped_department.department_key) as department_key,
    coalesce(status_map.status, unmapped_status.status) as status,
    cast(null as varchar) as request_type,
    cast(null as varchar) as channel,
    cast(null as integer) as level_no,
    delivered.created_at,
    cast(null as timestamp with time zone) as reported_at,
    cast(null as timestamp with time zone) as accepted_at,
    cast(null as timestamp with time zone) as dispatched_at,
    cast(null as timestamp with time zone) as first_response_at,
    cast(null as timestamp with time zone) as handled_at,
    delivered.closed_at,
    cast(null as timestamp with time zone) as visit_tried_at,
    cast(null as timestamp with time zone) as visited_at,
    cast(null as timestamp with time zone) as deadline_at,
    false as is_deadline_inferred,
    delivered.address_key,
    cast(null as varchar) as grid_id,
    cast(null as varchar) as caller_key,
    cast(null as varchar) as repeat_of_case_key,
    cast(null as integer) as satisfaction_no,
    cast(null as boolean) as is_solved,
    cast(null as boolean) as is_valid,
    cast(null as boolean) as is_direct,
    cast(null as boolean) as is_dispatched,
    cast(null as boolean) as is_delayed,
    cast(null as integer) as bounced_n,
    cast(null as integer) as rework_n,
    cast(null as varchar) as stated_division_code,
    cast(null as varchar) as certain_division_code,
    delivered.latitude,
    delivered.longitude,
    delivered.version_at,
    delivered.delivered_on,
    delivered.landed_at,
    delivered.file_name,
    delivered.record_no,
    false as is_void,
    delivered.is_withdrawn
from delivered
inner join
    {{ ref('category') }} as unmapped_category
    on delivered.source_system = unmapped_category.source_system
    and unmapped_category.is_default
inner join {{ ref('department') }} as unmapped_department on unmapped_department.is_default
inner join {{ ref('case_status') }} as unmapped_status on unmapped_status.is_default
left join
    {{ ref('category_crosswalk') }} as crosswalk
    on delivered.source_system = crosswalk.source_system
    and upper(trim(delivered.complaint_type)) = upper(crosswalk.complaint_type)
    and upper(trim(delivered.descriptor)) = upper(crosswalk.descriptor)
left join
    {{ ref('department_alias') }} as alias
    on delivered.agency_code = alias.agency_code
    and delivered.agency_name = alias.agency_name
left join {{ ref('status_map') }} as status_map on delivered.source_status = status_map.source_status
