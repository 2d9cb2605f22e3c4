select
    patrol.patrol_no,
    patrol.began_at,
    {{ civil_date('patrol.began_at') }} as date_on,
    patrol.ended_at,
    patrol.river,
    patrol.chief_level as chief_level_zh,
    place.division_code,
    -- East of Greenwich and north of the equator as China lies, the longitude is the greater one.
    least({{ known_coordinate('patrol.lat') }}, {{ known_coordinate('patrol.lng') }}) as latitude,
    greatest({{ known_coordinate('patrol.lat') }}, {{ known_coordinate('patrol.lng') }}) as longitude,
    nullif(patrol.distance_km, 0) as distance_km,
    patrol.findings_n,
    patrol.finding_kind as finding_zh,
    patrol.ds as delivered_on,
    patrol._landed_at as landed_at,
    patrol._file as file_name,
    patrol._record as record_no
from {{ source('lake', 'hydrology__patrol') }} as patrol
left join {{ ref('stg_division_code') }} as place on patrol.area_code = place.code
