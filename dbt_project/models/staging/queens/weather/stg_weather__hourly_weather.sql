select
    hour.observed_at,
    -- The partition is a day of the source, which keeps UTC; the city's day is another.
    {{ civil_date('hour.observed_at') }} as observed_on,
    hour.ds as delivered_on,
    hour.temperature_c,
    hour.precipitation_mm,
    hour.windspeed_kmh
from {{ source('lake', 'weather__hourly_weather') }} as hour
