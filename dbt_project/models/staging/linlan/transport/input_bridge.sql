with
    delivered as (select bridge.* from {{ source('lake', 'transport__bridge') }} as bridge),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('bridge|' || delivered.bridge_no) as bridge_key,
    delivered.bridge_no,
    delivered.bridge_title as bridge_name,
    case when unknown_road.road_code is null then delivered.road_code end as road_code,
    stated.division_code,
    -- Longitude is the greater of the two everywhere in the country.
    greatest({{ known_coordinate('delivered.lng') }}, {{ known_coordinate('delivered.lat') }}) as longitude,
    least({{ known_coordinate('delivered.lng') }}, {{ known_coordinate('delivered.lat') }}) as latitude,
    delivered.built_year,
    delivered.length_m,
    delivered.grade as grade_no,
    delivered.inspected_on,
    delivered.next_due_on,
    coalesce(status.is_restricted, false) as is_restricted,
    coalesce(status.is_closed, false) as is_closed,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('bridge_status') }} as status on delivered.status = status.status
left join {{ ref('unknown_road') }} as unknown_road on delivered.road_code = unknown_road.road_code
left join stated on delivered.area_code = stated.area_code
