{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('date_on', ref('weather_touched')) }}"
) }}
with
    hours as (
        select input.*
        from {{ ref('input_weather_hour') }} as input
        {% if is_incremental() -%}
            where input.observed_on in (select touched.date_on from {{ ref('weather_touched') }} as touched)
        {%- endif %}
    )

select
    hours.observed_on as date_on,
    hours.source_table,
    cast(max(hours.temperature_c) as decimal(5, 1)) as temperature_max_c,
    cast(min(hours.temperature_c) as decimal(5, 1)) as temperature_min_c,
    cast(sum(hours.temperature_c) / count(hours.temperature_c) as decimal(5, 1)) as temperature_mean_c,
    cast(sum(hours.precipitation_mm) as decimal(8, 1)) as precipitation_mm,
    cast(max(hours.windspeed_kmh) as decimal(5, 1)) as windspeed_max_kmh,
    cast(count(distinct hours.observed_at) as integer) as hours_n,
    -- 23, 24 or 25 hours with readings: a civil day is as long as the clock makes it, and a blank hour is none.
    count(distinct hours.observed_at) filter (
        where hours.temperature_c is not null and hours.precipitation_mm is not null
    ) = date_diff(
        'hour',
        {{ instant_of('cast(hours.observed_on as timestamp)') }},
        {{ instant_of('cast(hours.observed_on + 1 as timestamp)') }}
    ) as is_complete
from hours
group by hours.observed_on, hours.source_table
