{{ config(
    enabled=fed_by('water_level_hour'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('date_on', 'hydrology__level_hour') }}"
) }}
-- A day of a station as its rows say; fct_hydro_daily sees the days together and finds what the rows do not say.
with
    hours as (
        select
            level.*,
            row_number() over (partition by level.station_no, level.date_on order by level.measured_at)
            - row_number() over (
                partition by level.station_no, level.date_on, level.level_m order by level.measured_at
            ) as run_no
        from {{ ref('input_water_level_hour') }} as level
        where {{ changed_days('level.delivered_on', 'hydrology__level_hour') }}
    ),

    -- A float that shows one level for half a day is stuck: the first of those hours is the only one it measured.
    marked as (
        select
            hours.*,
            hours.level_m is not null
            and count(*) over run >= {{ threshold('stuck_readings_n') }}
            and hours.measured_at > min(hours.measured_at) over run as is_stuck
        from hours
        window run as (partition by hours.station_no, hours.date_on, hours.level_m, hours.run_no)
    )

select
    marked.station_no as station_key,
    marked.date_on,
    min(marked.station_name) as station_name,
    min(marked.station_kind) as station_kind,
    bool_or(marked.is_tidal) as is_tidal,
    min(marked.division_code) as division_code,
    min(marked.stated_datum) as stated_datum,
    max(marked.stated_above_1985_m) as stated_above_1985_m,
    max(marked.former_above_1985_m) as former_above_1985_m,
    max(marked.level_m) filter (where not marked.is_stuck) as level_max_stated_m,
    min(marked.level_m) filter (where not marked.is_stuck) as level_min_stated_m,
    quantile_disc(marked.level_m, 0.5) filter (where not marked.is_stuck) as level_median_stated_m,
    max(marked.warning_level_m) as warning_level_m,
    cast(sum(marked.rain_mm) as decimal(18, 2)) as rain_mm,
    cast(count(marked.level_m) filter (where not marked.is_stuck) as integer) as hours_n,
    cast(count(*) filter (where marked.is_stuck) as integer) as stuck_hours_n,
    cast(count(*) as integer) as delivered_n
from marked
group by marked.station_no, marked.date_on
