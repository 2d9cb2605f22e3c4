select
    point.point_no,
    point.measured_on as date_on,
    point.hour as hour_no,
    kind.point_kind,
    kind.utility,
    place.division_code,
    coalesce(number.grid_id, point.grid_id) as grid_id,
    {{ known_coordinate('point.lat') }} as latitude,
    {{ known_coordinate('point.lng') }} as longitude,
    case
        when point.pressure_mpa >= {{ threshold('main_pressure_mpa_below') }}
        then cast(point.pressure_mpa / 1000 as decimal(10, 4))
        else point.pressure_mpa
    end as pressure_mpa,
    point.flow_m3h,
    point.turbidity_ntu,
    point.chlorine_mgl,
    case
        when point.level_m >= {{ threshold('sump_level_m_below') }}
        then cast(point.level_m / 100.0 as decimal(10, 3))
        else point.level_m
    end as level_m,
    point.pumps_on_n,
    point.leak_db,
    coalesce(signal.has_signal, true) as has_signal,
    coalesce(
        point.pressure_mpa >= {{ threshold('main_pressure_mpa_below') }}
        or point.level_m >= {{ threshold('sump_level_m_below') }},
        false
    ) as was_other_unit,
    point.ds as delivered_on,
    point._landed_at as landed_at,
    point._file as file_name,
    point._record as record_no
from {{ source('lake', 'water__telemetry_hour') }} as point
left join {{ ref('water_point_kind') }} as kind on point.kind = kind.source_value
left join {{ ref('signal_quality') }} as signal on point.quality = signal.source_value
left join {{ ref('stg_division_code') }} as place on point.township_code = place.code
left join {{ ref('bridge_grid_number') }} as number on point.grid_id = number.stated_grid_id
