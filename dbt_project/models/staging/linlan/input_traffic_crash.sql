-- A table: thousands of small files are read once.
{{ config(materialized='table') }}
with
    delivered as (select crash.* from {{ ref('stg_traffic_police__crash') }} as crash),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('crash|' || delivered.crash_no) as crash_key,
    'traffic_police__crash' as source_table,
    delivered.crash_no,
    delivered.occurred_at,
    delivered.occurred_on,
    delivered.occurred_at is not null as is_time_known,
    md5('junction|' || delivered.site_name) as site_key,
    delivered.site_name,
    delivered.deaths_n,
    delivered.injuries_n,
    delivered.road_code,
    delivered.road_name,
    delivered.stake_km,
    delivered.form_name,
    delivered.event_code,
    delivered.has_heavy,
    delivered.has_vulnerable,
    delivered.has_coach,
    delivered.cause_key,
    delivered.is_cause_driver,
    delivered.is_cause_road,
    delivered.is_dark,
    delivered.is_unlit,
    delivered.is_wet,
    delivered.is_bad_weather,
    delivered.is_general_procedure,
    cast(delivered.loss_cny as decimal(18, 2)) as loss_cny,
    delivered.version_at,
    stated.division_code as stated_division_code,
    delivered.latitude,
    delivered.longitude,
    delivered.delivered_on,
    delivered.landed_at,
    delivered.file_name,
    delivered.record_no
from delivered
left join stated on delivered.area_code = stated.area_code
