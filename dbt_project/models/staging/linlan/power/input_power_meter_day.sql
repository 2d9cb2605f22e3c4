select
    meter.meter_no,
    meter.used_on as date_on,
    customer.customer,
    customer.is_building_total,
    customer.is_home,
    meter.address_no,
    meter.building_no,
    place.division_code,
    meter.area_m2,
    -- Below zero, and the count of a changed meter, are no energy of a day.
    case when meter.kwh >= 0 and meter.kwh < {{ threshold('meter_day_kwh_below') }} then meter.kwh end as kwh,
    case
        when meter.kwh >= 0 and meter.kwh < {{ threshold('meter_day_kwh_below') }} then meter.kwh_night
    end as kwh_night,
    meter.leak_n,
    meter.overload_n,
    meter.submeters_n,
    meter.capacity_kva,
    coalesce(reading.is_estimated, false) as is_estimated,
    meter.ds as delivered_on,
    meter._landed_at as landed_at,
    meter._file as file_name,
    meter._record as record_no
from {{ source('lake', 'power__meter_day') }} as meter
left join {{ ref('power_customer') }} as customer on meter.kind = customer.source_value
left join {{ ref('meter_reading') }} as reading on meter.reading = reading.source_value
left join {{ ref('stg_division_code') }} as place on meter.township_code = place.code
