with
    delivered as (
        select
            hour.*,
            -- A site's number carries the code of its township; sites that ended long ago have no report any more.
            regexp_extract(hour.site_no, '(\d{9})', 1) as area_code
        from {{ source('lake', 'housing__dust_hour') }} as hour
        where not coalesce(hour._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('housing|' || delivered.site_no) as site_key,
    delivered.measured_at,
    {{ civil_date('delivered.measured_at') }} as day_on,
    -- Less than any air has is milligrams.
    coalesce(delivered.pm10 < {{ threshold('dust_pm10_least') }}, false) as is_pm10_repaired,
    cast(
        case
            when delivered.pm10 < {{ threshold('dust_pm10_least') }}
            then {{ thousandfold('delivered.pm10') }}
            else delivered.pm10
        end as decimal(9, 1)
    ) as pm10_ug_m3,
    delivered.pm2_5 as pm2_5_ug_m3,
    delivered.noise_db,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join stated on delivered.area_code = stated.area_code
