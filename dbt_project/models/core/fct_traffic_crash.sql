{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_touched('crash_key', ref('crash_touched')) }}"
) }}
with
    versions as (
        select
            input.*,
            -- A source that says when a version was made is believed, for a late file is not a new one. Elsewhere a
            -- crash that moved to another day is in both partitions until the old day is fetched again.
            row_number() over (
                partition by input.crash_key
                order by
                    input.version_at desc nulls last,
                    input.landed_at desc,
                    input.delivered_on desc,
                    input.file_name desc,
                    input.record_no desc
            ) as newest_no
        from {{ ref('input_traffic_crash') }} as input
        {% if is_incremental() -%}
            where input.crash_key in (select touched.crash_key from {{ ref('crash_touched') }} as touched)
        {%- endif %}
    ),

    newest as (select versions.* from versions where versions.newest_no = 1),

    located as ({{ divisions_of_points('newest') }})

select
    newest.crash_key,
    newest.source_table,
    newest.crash_no,
    newest.occurred_at,
    newest.occurred_on,
    newest.is_time_known,
    -- Police say whose crash it is; a point on a border may lie on the other side.
    coalesce(newest.stated_division_code, located.division_code) as division_code,
    newest.site_key,
    newest.site_name,
    newest.road_code,
    newest.road_name,
    newest.stake_km,
    newest.deaths_n,
    newest.injuries_n,
    newest.deaths_n > 0 as is_fatal,
    newest.deaths_n > 0 or newest.injuries_n > 0 as is_casualty,
    newest.form_name,
    newest.event_code,
    newest.has_heavy,
    newest.has_vulnerable,
    newest.has_coach,
    newest.cause_key,
    newest.is_cause_driver,
    newest.is_cause_road,
    newest.is_dark,
    newest.is_unlit,
    newest.is_wet,
    newest.is_bad_weather,
    newest.is_general_procedure,
    newest.loss_cny,
    newest.latitude,
    newest.longitude,
    newest.delivered_on
from newest
left join located on newest.latitude = located.latitude and newest.longitude = located.longitude
