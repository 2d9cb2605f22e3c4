-- A table: thousands of small files are read once.
{{ config(materialized='table') }}
select
    'weather__observation_hour' as source_table,
    hour.observed_at,
    hour.observed_on,
    hour.delivered_on,
    hour.temperature_c,
    hour.precipitation_mm,
    hour.windspeed_kmh
from {{ ref('stg_weather__observation_hour') }} as hour
