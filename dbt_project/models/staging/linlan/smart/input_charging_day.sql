select
    site.site_no,
    site.day_on as date_on,
    site.community_no as estate_no,
    place.division_code,
    coalesce(number.grid_id, site.grid_id) as grid_id,
    site.lat as latitude,
    site.lng as longitude,
    site.ports_n,
    site.charges_n,
    -- More than a battery holds: watt-hours.
    cast(
        case
            when site.kwh > site.charges_n * {{ threshold('charge_kwh_at_most') }} then site.kwh / 1000.0 else site.kwh
        end as decimal(12, 3)
    ) as kwh,
    site.faults_n,
    site.overheat_n,
    site.ds as delivered_on,
    site._landed_at as landed_at,
    site._file as file_name,
    site._record as record_no
from {{ source('lake', 'smart__charging_day') }} as site
left join {{ ref('stg_division_code') }} as place on site.township_code = place.code
left join {{ ref('bridge_grid_number') }} as number on site.grid_id = number.stated_grid_id
