{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('crash_key', ref('crash_touched')) }}"
) }}
with versions as (
    select
        input.*,
        -- A crash that moved to another day is in both partitions until the old day is fetched again.
        row_number() over (
            partition by input.crash_key
            order by input.landed_at desc, input.delivered_on desc, input.file_name desc, input.record_no desc
        ) as newest_no
    from {{ ref('input_traffic_crash') }} as input
    {% if is_incremental() -%}
    where input.crash_key in (select touched.crash_key from {{ ref('crash_touched') }} as touched)
    {%- endif %}
),

newest as (
    select versions.*
    from versions
    where versions.newest_no = 1
),

located as ({{ divisions_of_points('newest') }})

select
    newest.crash_key,
    newest.source_table,
    newest.crash_no,
    newest.occurred_at,
    newest.occurred_on,
    newest.is_time_known,
    coalesce(located.division_code, newest.stated_division_code) as division_code,
    newest.site_key,
    newest.site_name,
    newest.deaths_n,
    newest.injuries_n,
    newest.latitude,
    newest.longitude
from newest
left join located on newest.latitude = located.latitude and newest.longitude = located.longitude
