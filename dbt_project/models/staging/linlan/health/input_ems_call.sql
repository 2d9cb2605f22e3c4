with
    delivered as (select ems_call.* from {{ source('lake', 'health__ems_call') }} as ems_call),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('ems|' || delivered.call_no) as call_key,
    delivered.called_at,
    {{ civil_date('delivered.called_at') }} as called_on,
    delivered.dispatched_at,
    -- A button that was pressed before the ambulance left tells nothing.
    case when delivered.arrived_at >= delivered.dispatched_at then delivered.arrived_at end as arrived_at,
    delivered.hospital_at,
    category.category_key,
    coalesce(category.is_traffic, false) as is_traffic,
    coalesce(category.is_heat, false) as is_heat,
    coalesce(category.is_carbon_monoxide, false) as is_carbon_monoxide,
    coalesce(category.is_poisoning, false) as is_poisoning,
    coalesce(category.is_transfer, false) as is_transfer,
    delivered.patients_n,
    coalesce(delivered.is_empty, false) as is_empty,
    delivered.place_hash as place_key,
    delivered.grid_id,
    stated.division_code,
    {{ known_coordinate('delivered.lat') }} as latitude,
    {{ known_coordinate('delivered.lng') }} as longitude,
    delivered.hospital_title as hospital_name,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('ems_category') }} as category on delivered.category = category.category
left join stated on delivered.area_code = stated.area_code
