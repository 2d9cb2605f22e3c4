-- A table: thousands of small files are read once.
{{ config(materialized='table') }}
with
    delivered as (select case_delivered.* from {{ ref('case_delivered') }} as case_delivered),

    stated as ({{ divisions_stated('delivered') }})

select
    delivered.source_system || '|' || delivered.case_no as case_key,
    delivered.source_system,
    delivered.source_table,
    delivered.case_no,
    coalesce(crosswalk.category_key, unmapped_category.category_key) as category_key,
    coalesce(alias.department_key, unmapped_department.department_key) as department_key,
    coalesce(status_map.status, unmapped_status.status) as status,
    delivered.request_type,
    delivered.channel,
    delivered.level_no,
    delivered.created_at,
    delivered.reported_at,
    delivered.accepted_at,
    delivered.dispatched_at,
    delivered.first_response_at,
    delivered.handled_at,
    delivered.closed_at,
    delivered.visit_tried_at,
    delivered.visited_at,
    delivered.deadline_at,
    delivered.is_deadline_inferred,
    delivered.address_key,
    coalesce(delivered.grid_id, nearest.grid_id) as grid_id,
    delivered.caller_key,
    cast(null as varchar) as repeat_of_case_key,
    delivered.satisfaction_no,
    delivered.is_solved,
    delivered.is_valid,
    delivered.is_direct,
    delivered.is_dispatched,
    delivered.is_delayed,
    delivered.bounced_n,
    delivered.rework_n,
    coalesce(delivered.numbered_division_code, stated.division_code) as stated_division_code,
    delivered.numbered_division_code as certain_division_code,
    delivered.latitude,
    delivered.longitude,
    delivered.version_at,
    delivered.delivered_on,
    delivered.landed_at,
    delivered.file_name,
    delivered.record_no,
    delivered.is_void or coalesce(status_map.is_withdrawn, false) as is_void,
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
    and trim(delivered.complaint_type) = crosswalk.complaint_type
    and trim(delivered.descriptor) = crosswalk.descriptor
left join {{ ref('department_alias') }} as alias on trim(delivered.department_name) = alias.agency_name
left join {{ ref('status_map') }} as status_map on trim(delivered.source_status) = status_map.source_status
left join stated on delivered.area_code = stated.area_code
left join
    {{ ref('grid_of_point') }} as nearest
    on delivered.open_latitude = nearest.latitude
    and delivered.open_longitude = nearest.longitude
    and delivered.numbered_division_code = nearest.division_code
