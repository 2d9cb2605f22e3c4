with
    delivered as (
        select equipment.*
        from {{ source('lake', 'market__equipment') }} as equipment
        where not coalesce(equipment._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('market|' || delivered.equipment_code) as equipment_key,
    delivered.equipment_code,
    -- The list of a week is drawn up on its last day.
    cast(delivered.ds + to_days(cast({{ threshold('equipment_list_days') }} as integer)) as date) as listed_on,
    coalesce(kind_map.equipment_kind, 'unmapped') as equipment_kind,
    coalesce(kind_map.is_lift, false) as is_lift,
    trim(delivered.user_firm) as user_firm,
    {{ credit_code('delivered.uscc') }} as uscc,
    delivered.address_key,
    delivered.made_on,
    delivered.last_inspected_on,
    -- A day before the last inspection is no day of the next.
    case when delivered.next_due_on >= delivered.last_inspected_on then delivered.next_due_on end as next_due_on,
    coalesce(status_map.equipment_status, 'unmapped') as equipment_status,
    coalesce(status_map.is_in_use, false) as is_in_use,
    cast({{ known_coordinate('delivered.lat') }} as decimal(9, 6)) as latitude,
    cast({{ known_coordinate('delivered.lng') }} as decimal(9, 6)) as longitude,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('equipment_kind') }} as kind_map on trim(delivered.kind) = kind_map.source_value
left join {{ ref('equipment_status') }} as status_map on trim(delivered.status) = status_map.source_value
left join stated on delivered.area_code = stated.area_code
