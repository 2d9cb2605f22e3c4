-- A table: thousands of small files are read once.
{{ config(materialized='table') }}
with
    delivered as (
        select 'hotline' as source_system, 'hotline__work_order' as source_table, work_order.*
        from {{ ref('stg_hotline__work_order') }} as work_order
        union all by name
        select 'grid' as source_system, 'grid__event' as source_table, event.*
        from {{ ref('stg_grid__event') }} as event
        union all by name
        select 'patrol' as source_system, 'citymgmt__case' as source_table, record.*
        from {{ ref('stg_citymgmt__case') }} as record
    ),

    stated as ({{ divisions_stated('delivered') }}),

    -- A case's number holds its township's: that is the place the case is about, where its point may lie across the
    -- street.
    -- Keys of a join stand on a side each: what mixes both sides, or asks the left one alone, holds all pairs together.
    numbered as (
        select
            form.source_system,
            right(division.division_code, form.township_length_n) as township_no,
            division.division_code
        from {{ ref('case_number') }} as form
        inner join {{ ref('division') }} as division on form.division_level_no = division.level_no
    ),

    placed as (
        select
            delivered.*,
            substr(delivered.case_no, form.township_at, form.township_length_n) as township_no,
            case when delivered.grid_id is null then cast(delivered.latitude as decimal(7, 4)) end as open_latitude,
            cast(delivered.longitude as decimal(7, 4)) as open_longitude
        from delivered
        left join {{ ref('case_number') }} as form on delivered.source_system = form.source_system
    ),

    -- The grid of a point where none is stated: that whose middle is nearest, measured by its own size. Places of ten
    -- metres are fine enough.
    places as (
        select
            point.latitude,
            point.longitude,
            point.division_code,
            arg_min(
                spot.grid_id,
                (
                    {{ metres_between('point.latitude', 'point.longitude', 'spot.latitude', 'spot.longitude') }}
                    / spot.radius_m,
                    spot.grid_id
                )
            ) as grid_id
        from
            (
                select distinct
                    placed.open_latitude as latitude, placed.open_longitude as longitude, numbered.division_code
                from placed
                inner join
                    numbered
                    on placed.source_system = numbered.source_system
                    and placed.township_no = numbered.township_no
                where placed.grid_id is null
            ) as point
        inner join {{ ref('grid_spot') }} as spot on point.division_code = spot.division_code
        where point.latitude is not null and point.longitude is not null
        group by point.latitude, point.longitude, point.division_code
    )

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
    coalesce(delivered.grid_id, places.grid_id) as grid_id,
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
    coalesce(numbered.division_code, stated.division_code) as stated_division_code,
    numbered.division_code as certain_division_code,
    delivered.latitude,
    delivered.longitude,
    delivered.version_at,
    delivered.delivered_on,
    delivered.landed_at,
    delivered.file_name,
    delivered.record_no,
    delivered.is_void or coalesce(status_map.is_withdrawn, false) as is_void,
    delivered.is_withdrawn
from placed as delivered
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
left join numbered on delivered.source_system = numbered.source_system and delivered.township_no = numbered.township_no
left join
    places
    on delivered.open_latitude = places.latitude
    and delivered.open_longitude = places.longitude
    and numbered.division_code = places.division_code
