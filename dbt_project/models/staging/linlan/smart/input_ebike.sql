select
    bike.bike_no,
    bike.community_no as estate_no,
    bike.building_no,
    bike.flat_no as address_no,
    place.division_code,
    coalesce(battery.is_lithium, false) as is_lithium,
    {{ known_date('bike.registered_on') }} as registered_on,
    bike.ds as delivered_on,
    bike._landed_at as landed_at,
    bike._file as file_name,
    bike._record as record_no
from {{ source('lake', 'smart__ebike') }} as bike
left join {{ ref('bike_battery') }} as battery on bike.battery = battery.source_value
left join {{ ref('stg_division_code') }} as place on bike.township_code = place.code
