select
    meter.meter_no,
    meter.used_on as date_on,
    meter.flat_no as address_no,
    meter.building_no,
    place.division_code,
    -- An old meter sends litres after a restart: no flat uses as many cubic metres.
    case
        when meter.m3 < 0
        then null
        when meter.m3 >= {{ threshold('flat_day_m3_below') }}
        then cast(meter.m3 / 1000 as decimal(10, 3))
        else meter.m3
    end as m3,
    case when meter.m3 >= 0 then meter.m3_night end as m3_night,
    coalesce(meter.m3 >= {{ threshold('flat_day_m3_below') }}, false) as was_litres,
    meter.ds as delivered_on,
    meter._landed_at as landed_at,
    meter._file as file_name,
    meter._record as record_no
from {{ source('lake', 'water__usage_day') }} as meter
left join {{ ref('stg_division_code') }} as place on meter.township_code = place.code
