with
    delivered as (select bus_od_day.* from {{ source('lake', 'transport__bus_od_day') }} as bus_od_day),

    stated as ({{ divisions_stated('delivered') }})

select
    delivered.pair_no,
    delivered.run_on,
    -- 12路 and L0012 are one line.
    cast(nullif(regexp_extract(delivered.line, '(\d+)', 1), '') as integer) as line_no,
    delivered.board_stop as board_stop_name,
    delivered.alight_stop as alight_stop_name,
    stated.division_code,
    delivered.trips_n,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join stated on delivered.area_code = stated.area_code
