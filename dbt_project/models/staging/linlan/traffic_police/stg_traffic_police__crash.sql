select
    crash.crash_id as crash_no,
    crash.crashed_at as occurred_at,
    {{ civil_date('crash.crashed_at') }} as occurred_on,
    case
        when unknown_road.road_code is null
            then crash.road_title || coalesce(' K' || nullif(regexp_extract(crash.stake, '(\d+)', 1), ''), '')
    end as site_name,
    crash.deaths_30d_n as deaths_n,
    crash.injuries_n,
    crash.area_code,
    {{ known_coordinate('crash.lat') }} as latitude,
    {{ known_coordinate('crash.lng') }} as longitude,
    crash.ds as delivered_on,
    crash._landed_at as landed_at,
    crash._file as file_name,
    crash._record as record_no
from {{ source('lake', 'traffic_police__crash') }} as crash
left join {{ ref('unknown_road') }} as unknown_road on crash.road_code = unknown_road.road_code
