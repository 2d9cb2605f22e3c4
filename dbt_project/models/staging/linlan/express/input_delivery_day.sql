select
    stairs.unit_key,
    stairs.delivered_on as date_on,
    stairs.building_no,
    place.division_code,
    coalesce(number.grid_id, stairs.grid_id) as grid_id,
    stairs.parcels_n,
    stairs.meals_n,
    stairs.late_meals_n,
    stairs.recipients_n,
    stairs.recipients_30d_n,
    stairs.households_n,
    stairs.platforms_n,
    stairs.ds as delivered_on,
    stairs._landed_at as landed_at,
    stairs._file as file_name,
    stairs._record as record_no
from {{ source('lake', 'express__building_day') }} as stairs
left join {{ ref('stg_division_code') }} as place on stairs.township_code = place.code
left join {{ ref('bridge_grid_number') }} as number on stairs.grid_id = number.stated_grid_id
