select
    device.device_no,
    device.status_on as date_on,
    kind.device_kind,
    kind.is_camera,
    kind.lifeline,
    alias.department_key,
    device.vendor,
    place.division_code,
    coalesce(number.grid_id, device.grid_id) as grid_id,
    least({{ known_coordinate('device.lat') }}, {{ known_coordinate('device.lng') }}) as latitude,
    greatest({{ known_coordinate('device.lat') }}, {{ known_coordinate('device.lng') }}) as longitude,
    device.lat < device.lng and device.lat > 0 as is_on_map,
    coalesce(device.scrapped_on <= device.status_on, false) as is_scrapped,
    device.is_online,
    device.online_hours,
    -- A clock that runs ahead, or began anew, tells nothing.
    case
        when device.last_seen_at <= device.reported_at then {{ known_instant('device.last_seen_at') }}
    end as last_seen_at,
    device.last_seen_at > device.reported_at as is_clock_ahead,
    {{ known_instant('device.last_seen_at') }} is null and device.last_seen_at is not null as is_clock_reset,
    device.installed_on,
    device.ds as delivered_on,
    device._landed_at as landed_at,
    device._file as file_name,
    device._record as record_no
from {{ source('lake', 'device__status_day') }} as device
left join {{ ref('device_kind') }} as kind on device.kind = kind.source_value
left join {{ ref('department_alias') }} as alias on device.owner_department = alias.agency_name
left join {{ ref('stg_division_code') }} as place on device.township_code = place.code
left join {{ ref('bridge_grid_number') }} as number on device.grid_id = number.stated_grid_id
