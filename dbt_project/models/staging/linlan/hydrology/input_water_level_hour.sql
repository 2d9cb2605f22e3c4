select
    hour.station as station_no,
    hour.station_title as station_name,
    hour.measured_at,
    {{ civil_date('hour.measured_at') }} as date_on,
    kind.station_kind,
    kind.is_tidal,
    place.division_code,
    datum.datum as stated_datum,
    datum.above_1985_m as stated_above_1985_m,
    other.above_1985_m as former_above_1985_m,
    -- Above the national datum of 1985, if the row says rightly what its level is above.
    cast(hour.level_m - datum.above_1985_m as decimal(8, 2)) as level_m,
    cast(hour.warning_m - datum.above_1985_m as decimal(8, 2)) as warning_level_m,
    hour.rain_mm,
    hour.ds as delivered_on,
    hour._landed_at as landed_at,
    hour._file as file_name,
    hour._record as record_no
from {{ source('lake', 'hydrology__level_hour') }} as hour
left join {{ ref('water_station_kind') }} as kind on hour.station_kind = kind.source_value
left join {{ ref('level_datum') }} as datum on hour.datum = datum.source_value
left join
    (select max(former.above_1985_m) as above_1985_m from {{ ref('level_datum') }} as former) as other
    on datum.above_1985_m = 0
left join {{ ref('stg_division_code') }} as place on hour.area_code = place.code
