-- A table: thousands of small files are read once.
{{ config(materialized='table') }}
select
    md5('crash|' || collision.crash_no) as crash_key,
    'nypd__collision' as source_table,
    collision.crash_no,
    collision.occurred_at,
    collision.occurred_on,
    collision.is_time_known,
    md5('junction|' || collision.site_name) as site_key,
    collision.site_name,
    cast(null as integer) as deaths_n,
    cast(null as integer) as injuries_n,
    cast(null as varchar) as stated_division_code,
    collision.latitude,
    collision.longitude,
    collision.delivered_on,
    collision.landed_at,
    collision.file_name,
    collision.record_no
from {{ ref('stg_nypd__collision') }} as collision
