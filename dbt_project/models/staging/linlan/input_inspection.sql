-- A table: thousands of small files are read once.
{{ config(materialized='table') }}
with
    delivered as (
        select inspection.*
        from {{ source('lake', 'emergency__inspection') }} as inspection
        where not coalesce(inspection._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }}),

    -- Each check of a place that sells food is told by all later versions of the business: the first of them counts.
    food_checks as (
        select
            business.subject_no,
            business.last_check_on,
            min_by(business.uscc, (business.updated_at, business.delivered_on, business.record_no)) as uscc,
            min_by(
                business.address_key, (business.updated_at, business.delivered_on, business.record_no)
            ) as address_key,
            min_by(
                business.is_check_passed, (business.updated_at, business.delivered_on, business.record_no)
            ) as is_passed,
            min_by(
                business.division_code, (business.updated_at, business.delivered_on, business.record_no)
            ) as division_code,
            min(business.updated_at) as entered_at,
            min_by(
                business.delivered_on, (business.updated_at, business.delivered_on, business.record_no)
            ) as delivered_on,
            min_by(business.landed_at, (business.updated_at, business.delivered_on, business.record_no)) as landed_at,
            min_by(business.file_name, (business.updated_at, business.delivered_on, business.record_no)) as file_name,
            min_by(business.record_no, (business.updated_at, business.delivered_on, business.record_no)) as record_no
        from {{ ref('input_business') }} as business
        where business.last_check_on is not null and business.is_check_passed is not null
        group by business.subject_no, business.last_check_on
    )

select
    md5('emergency|' || delivered.inspection_no) as inspection_key,
    'emergency' as source_system,
    delivered.inspection_no,
    md5('emergency|' || delivered.ent_id) as enterprise_key,
    {{ credit_code('delivered.uscc') }} as uscc,
    cast(null as varchar) as address_key,
    'emergency' as department_key,
    trim(delivered.department) as agency_zh,
    coalesce(kind_map.plan_kind, 'unmapped') as plan_kind,
    coalesce(kind_map.is_self, false) as is_self,
    delivered.inspector_key,
    delivered.checked_at as started_at,
    cast(null as timestamp with time zone) as ended_at,
    {{ civil_date('delivered.checked_at') }} as inspected_on,
    -- Entered before it took place: one of the two clocks is wrong, so how long it took is not known.
    case when delivered.entered_at >= delivered.checked_at then delivered.entered_at end as entered_at,
    delivered.findings_n,
    delivered.next_due_on,
    cast(null as varchar) as grid_id,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('inspection_kind') }} as kind_map on trim(delivered.kind) = kind_map.source_value
left join stated on delivered.area_code = stated.area_code
union all
select
    md5('fire|' || inspection.inspection_no) as inspection_key,
    'fire' as source_system,
    inspection.inspection_no,
    cast(null as varchar) as enterprise_key,
    {{ credit_code('inspection.uscc') }} as uscc,
    inspection.place_key as address_key,
    inspection.department_key,
    'fire' as agency_zh,
    inspection.kind as plan_kind,
    false as is_self,
    inspection.inspector_key,
    inspection.inspected_at as started_at,
    cast(null as timestamp with time zone) as ended_at,
    inspection.inspected_on,
    case when inspection.entered_at >= inspection.inspected_at then inspection.entered_at end as entered_at,
    inspection.findings_n,
    cast(null as date) as next_due_on,
    inspection.grid_id,
    inspection.division_code,
    inspection.delivered_on,
    inspection.landed_at,
    inspection.file_name,
    inspection.record_no
from {{ ref('stg_fire__inspection') }} as inspection
union all
select
    md5('market|' || food_checks.subject_no || '|' || food_checks.last_check_on) as inspection_key,
    'market' as source_system,
    food_checks.subject_no || ' ' || food_checks.last_check_on as inspection_no,
    cast(null as varchar) as enterprise_key,
    food_checks.uscc,
    food_checks.address_key,
    'market' as department_key,
    'market' as agency_zh,
    'food' as plan_kind,
    false as is_self,
    cast(null as varchar) as inspector_key,
    cast(null as timestamp with time zone) as started_at,
    cast(null as timestamp with time zone) as ended_at,
    food_checks.last_check_on as inspected_on,
    food_checks.entered_at,
    case when food_checks.is_passed then 0 else 1 end as findings_n,
    cast(null as date) as next_due_on,
    cast(null as varchar) as grid_id,
    food_checks.division_code,
    food_checks.delivered_on,
    food_checks.landed_at,
    food_checks.file_name,
    food_checks.record_no
from food_checks
