with
    hours as (
        select
            air.station,
            air.station_name,
            air.township_code as area_code,
            air.lat,
            air.lng,
            air_item.item,
            air.measured_on,
            -- 24:00 stands for the first hour of the day.
            cast(split_part(air.hour, ':', 1) as integer) % 24 as hour_no,
            cast(air.value * air_item.factor as decimal(18, 3)) as concentration,
            -- A flag says that the station itself does not trust the value; below zero is no concentration but a mark.
            air.flag is null and air.value >= 0 as is_valid,
            air.ds,
            air._landed_at,
            air._file,
            air._record
        from {{ source('lake', 'environment__air_hour') }} as air
        inner join
            {{ ref('air_item') }} as air_item on air.item = air_item.source_item and air.unit = air_item.source_unit
    )

select
    hours.station as station_key,
    hours.station_name as name_zh,
    crosswalk.division_code,
    {{ known_coordinate('hours.lat') }} as latitude,
    {{ known_coordinate('hours.lng') }} as longitude,
    hours.item,
    hours.measured_on,
    hours.hour_no,
    hours.concentration,
    coalesce(hours.is_valid, false) as is_valid,
    hours.ds as delivered_on,
    hours._landed_at as landed_at,
    hours._file as file_name,
    hours._record as record_no
from hours
left join {{ ref('bridge_division_crosswalk') }} as crosswalk on hours.area_code = crosswalk.stated_code
