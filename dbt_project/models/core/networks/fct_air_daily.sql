{{ config(enabled=fed_by('air_hour')) }}
with
    items as (
        select
            station_day.station_key,
            station_day.date_on,
            station_day.item || ' ' || station_day.period as item_period,
            cast(cast(station_day.total as double) / station_day.hours_n as decimal(18, 3)) as concentration,
            station_day.is_valid,
            station_day.division_code
        from {{ ref('air_station_day') }} as station_day
    ),

    station_days as (
        select
            items.station_key,
            items.date_on,
            max(items.division_code) as division_code,
            map(list(items.item_period), list(items.concentration)) as concentrations
        from items
        group by items.station_key, items.date_on
    ),

    indices as (
        select
            air_index.station_key,
            air_index.date_on,
            max(air_index.aqi) filter (where air_index.is_in_force) as aqi,
            max(air_index.primary_pollutant) filter (where air_index.is_in_force) as primary_pollutant,
            max(air_index.class_zh) filter (where air_index.is_in_force) as class_zh,
            map(list(air_index.index_std), list(air_index.aqi)) as by_standard
        from {{ ref('air_index') }} as air_index
        where air_index.station_key is not null
        group by air_index.station_key, air_index.date_on
    )

select
    station_days.station_key,
    station_days.date_on,
    station_days.division_code,
    cast(station_days.concentrations['PM2.5 day'] as decimal(18, 2)) as pm25_ugm3,
    cast(station_days.concentrations['PM10 day'] as decimal(18, 2)) as pm10_ugm3,
    cast(station_days.concentrations['SO2 day'] as decimal(18, 2)) as so2_ugm3,
    cast(station_days.concentrations['NO2 day'] as decimal(18, 2)) as no2_ugm3,
    station_days.concentrations['CO day'] as co_mgm3,
    cast(station_days.concentrations['O3 8h'] as decimal(18, 2)) as o3_8h_ugm3,
    indices.aqi,
    indices.primary_pollutant,
    indices.class_zh,
    indices.by_standard['HJ 633-2012'] as aqi_2012,
    indices.by_standard['HJ 633-2026'] as aqi_2026,
    indices.aqi is not null as is_valid
from station_days
left join indices on station_days.station_key = indices.station_key and station_days.date_on = indices.date_on
