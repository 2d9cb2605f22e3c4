with
    delivered as (select violation.* from {{ source('lake', 'traffic_police__violation') }} as violation),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('violation|' || delivered.violation_id) as violation_key,
    delivered.violated_at,
    {{ civil_date('delivered.violated_at') }} as violated_on,
    delivered.violation_code,
    delivered.violation_text as violation_name,
    coalesce(delivered.points_n, 0) as points_n,
    delivered.fine_yuan as fine_cny,
    coalesce(vehicle.kind_key, 'other') as vehicle_kind_key,
    coalesce(vehicle.is_motor, false) as is_motor,
    case when unknown_road.road_code is null then delivered.road_code end as road_code,
    delivered.stake as stake_km,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('unknown_road') }} as unknown_road on delivered.road_code = unknown_road.road_code
left join {{ ref('vehicle_word') }} as vehicle on delivered.vehicle_type = vehicle.word
left join stated on delivered.area_code = stated.area_code
