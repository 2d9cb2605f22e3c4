select
    event.event_no,
    event.event_at,
    {{ civil_date('event.event_at') }} as date_on,
    event.device_no,
    kind.ai_event_kind,
    coalesce(kind.is_waterside, false) as is_waterside,
    place.division_code,
    coalesce(number.grid_id, event.grid_id) as grid_id,
    least({{ known_coordinate('event.lat') }}, {{ known_coordinate('event.lng') }}) as latitude,
    greatest({{ known_coordinate('event.lat') }}, {{ known_coordinate('event.lng') }}) as longitude,
    -- One vendor gives a fraction for per cent.
    case
        when event.confidence_pct <= 1
        then cast(event.confidence_pct * 100.0 as decimal(6, 3))
        else event.confidence_pct
    end as confidence_pct,
    event.is_confirmed,
    event.ds as delivered_on,
    event._landed_at as landed_at,
    event._file as file_name,
    event._record as record_no
from {{ source('lake', 'device__ai_event') }} as event
left join {{ ref('ai_event_kind') }} as kind on event.kind = kind.source_value
left join {{ ref('stg_division_code') }} as place on event.township_code = place.code
left join {{ ref('bridge_grid_number') }} as number on event.grid_id = number.stated_grid_id
