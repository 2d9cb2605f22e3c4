{{ config(
    enabled=fed_by('air_hour'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'environment__air_hour') }}"
) }}
with
    delivered as (
        select
            hour.station_key,
            hour.division_code,
            hour.item,
            hour.measured_on,
            hour.hour_no,
            hour.concentration,
            hour.delivered_on
        from {{ ref('input_air_hour') }} as hour
        where {{ changed_days('hour.delivered_on', 'environment__air_hour') }} and hour.is_valid
        qualify
            row_number() over (
                partition by hour.station_key, hour.item, hour.measured_on, hour.hour_no, hour.delivered_on
                order by hour.landed_at desc, hour.file_name desc, hour.record_no desc
            )
            = 1
    ),

    -- What no station can measure does not count: more of a part (PM2.5) than of the whole (PM10) in one hour, and an
    -- instrument that repeats its value to the digit all day.
    hours as (
        select delivered.*
        from delivered
        left join {{ std_in_force('std_air_item', ['item']) }} as item on delivered.item = item.item
        left join
            delivered as whole
            on item.part_of_item = whole.item
            and delivered.station_key = whole.station_key
            and delivered.measured_on = whole.measured_on
            and delivered.hour_no = whole.hour_no
            and delivered.delivered_on = whole.delivered_on
        where whole.concentration is null or delivered.concentration <= whole.concentration
        window
            of_day as (
                partition by delivered.station_key, delivered.item, delivered.measured_on, delivered.delivered_on
            )
        qualify
            min(delivered.concentration) over of_day < max(delivered.concentration) over of_day
            or count(*) over of_day < {{ threshold('air_stuck_hours') }}
    ),

    periods as (
        select distinct
            breakpoint.item,
            period.period,
            period.span_hours,
            period.least_hours,
            period.least_means_n,
            period.counts_above
        from {{ std('std_aqi_breakpoint', ['index_std', 'item', 'period', 'iaqi']) }} as breakpoint
        inner join {{ std_in_force('std_air_period', ['period']) }} as period on breakpoint.period = period.period
        where breakpoint.is_daily
    ),

    -- Means of so many hours on end that lie within the day, whether or not their last hour was measured: one of 24, or
    -- seventeen of 8, or each hour by itself.
    means as (
        select
            hours.station_key,
            hours.measured_on,
            hours.delivered_on,
            hours.item,
            periods.period,
            ending.hour_no,
            max(hours.division_code) as division_code,
            sum(hours.concentration) as total,
            count(*) as hours_n,
            cast(sum(hours.concentration) as double) / count(*) as mean
        from hours
        inner join periods on hours.item = periods.item
        inner join
            (select unnest(range(24)) as hour_no) as ending
            on ending.hour_no >= hours.hour_no
            and ending.hour_no < hours.hour_no + periods.span_hours
            and ending.hour_no + 1 >= periods.span_hours
        group by
            hours.station_key,
            hours.measured_on,
            hours.delivered_on,
            hours.item,
            periods.period,
            ending.hour_no,
            periods.least_hours
        having count(*) >= periods.least_hours
    ),

    largest as (
        select means.*, count(*) over of_day as means_n
        from means
        window
            of_day as (partition by means.station_key, means.measured_on, means.delivered_on, means.item, means.period)
        qualify
            row_number() over (
                partition by means.station_key, means.measured_on, means.delivered_on, means.item, means.period
                order by means.mean desc, means.hour_no
            )
            = 1
    )

select
    largest.station_key,
    largest.measured_on as date_on,
    largest.item,
    largest.period,
    largest.division_code,
    cast(largest.total as decimal(18, 3)) as total,
    cast(largest.hours_n as integer) as hours_n,
    cast(largest.means_n as integer) as means_n,
    largest.means_n >= periods.least_means_n or coalesce(largest.mean > periods.counts_above, false) as is_valid,
    largest.delivered_on
from largest
inner join periods on largest.item = periods.item and largest.period = periods.period
