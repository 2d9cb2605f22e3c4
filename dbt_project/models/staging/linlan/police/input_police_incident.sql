with
    delivered as (
        select incident.*
        from {{ source('lake', 'police__incident') }} as incident
        where not coalesce(incident._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('police|' || delivered.incident_hash) as incident_key,
    md5('police|' || delivered.main_hash) as main_incident_key,
    delivered.called_at,
    {{ civil_date('delivered.called_at') }} as called_on,
    delivered.category_1,
    delivered.category_2,
    delivered.category_3,
    delivered.category_4,
    coalesce(category.is_fraud, false) as is_fraud,
    coalesce(category.is_theft, false) as is_theft,
    coalesce(category.is_violence, false) as is_violence,
    coalesce(category.is_vice, false) as is_vice,
    coalesce(category.is_dispute, false) as is_dispute,
    coalesce(category.is_traffic, false) as is_traffic,
    coalesce(category.is_lost_person, false) as is_lost_person,
    coalesce(category.is_gathering, false) as is_gathering,
    coalesce(category.is_nuisance, false) as is_nuisance,
    delivered.disposal,
    delivered.police_unit,
    delivered.place_hash as place_key,
    delivered.grid_id,
    stated.division_code,
    {{ known_coordinate('delivered.lat') }} as latitude,
    {{ known_coordinate('delivered.lng') }} as longitude,
    -- A car's clock that is slow says it was there before anybody called.
    case when delivered.arrived_at >= delivered.called_at then delivered.arrived_at end as arrived_at,
    delivered.closed_at,
    delivered.amount_wan,
    delivered.updated_at as version_at,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('police_category') }} as category on delivered.category_4 = category.category
left join stated on delivered.area_code = stated.area_code
