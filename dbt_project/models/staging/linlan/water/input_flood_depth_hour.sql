select
    gauge.point_no,
    gauge.measured_on as date_on,
    gauge.hour as hour_no,
    {{ instant_of('cast(gauge.measured_on as timestamp) + to_hours(gauge.hour)') }} as measured_at,
    gauge.name as point_name,
    place.division_code,
    coalesce(number.grid_id, gauge.grid_id) as grid_id,
    {{ known_coordinate('gauge.lat') }} as latitude,
    {{ known_coordinate('gauge.lng') }} as longitude,
    -- A gauge with new firmware sends centimetres: no street is under so many metres.
    case
        when gauge.depth_m >= {{ threshold('street_depth_m_below') }}
        then cast(gauge.depth_m / 100.0 as decimal(10, 3))
        else gauge.depth_m
    end as depth_m,
    gauge.rain_mm,
    gauge.battery_pct,
    coalesce(gauge.depth_m >= {{ threshold('street_depth_m_below') }}, false) as was_centimetres,
    gauge.ds as delivered_on,
    gauge._landed_at as landed_at,
    gauge._file as file_name,
    gauge._record as record_no
from {{ source('lake', 'water__flood_point') }} as gauge
left join {{ ref('stg_division_code') }} as place on gauge.township_code = place.code
left join {{ ref('bridge_grid_number') }} as number on gauge.grid_id = number.stated_grid_id
