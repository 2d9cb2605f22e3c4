-- The city's hour is the mean of its stations, and the strongest of their winds.
select
    hour.observed_at,
    {{ civil_date('hour.observed_at') }} as observed_on,
    hour.ds as delivered_on,
    cast(sum(hour.temperature_c) / count(hour.temperature_c) as decimal(5, 1)) as temperature_c,
    cast(sum(hour.rain_mm) / count(hour.rain_mm) as decimal(6, 1)) as precipitation_mm,
    cast({{ kmh_of('max(hour.wind_ms)') }} as decimal(5, 1)) as windspeed_kmh
from {{ source('lake', 'weather__observation_hour') }} as hour
group by hour.observed_at, hour.ds
