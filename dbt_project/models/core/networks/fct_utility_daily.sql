{{ config(
    enabled=fed_by('power_meter_day', 'water_meter_day', 'water_telemetry_hour', 'gas_alarm'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('date_on', 'power__meter_day', 'water__usage_day', 'water__telemetry_hour', 'gas__alarm', placed=true) }}"
) }}
-- Customers by township and kind, points of the water network one by one, gas alarms by township: what single meters of
-- homes and firms used stays out of it.
with
    power as (
        select
            'power' as utility,
            'customers' as place_kind,
            coalesce(meter.division_code, '') || ':' || meter.customer as place_key,
            meter.date_on,
            meter.customer as part,
            meter.division_code,
            cast(null as varchar) as grid_id,
            count(*) as meters_n,
            count(meter.kwh) as read_n,
            count(*) filter (where meter.is_estimated) as estimated_n,
            sum(meter.kwh) as usage,
            sum(meter.kwh_night) as usage_night,
            'kWh' as unit,
            min(meter.kwh) as min_value,
            max(meter.kwh) as max_value,
            'kWh' as value_unit,
            count(*) filter (where meter.kwh = 0) as zero_n,
            sum(meter.leak_n + meter.overload_n) as alarms_n
        from {{ ref('input_power_meter_day') }} as meter
        where
            {{ changed_days('meter.delivered_on', 'power__meter_day', 'water__usage_day', 'water__telemetry_hour', 'gas__alarm', placed=true) }}
        group by meter.division_code, meter.customer, meter.date_on
    ),

    water as (
        select
            'water' as utility,
            'customers' as place_kind,
            coalesce(meter.division_code, '') || ':home' as place_key,
            meter.date_on,
            'home' as part,
            meter.division_code,
            cast(null as varchar) as grid_id,
            count(*) as meters_n,
            count(meter.m3) as read_n,
            count(*) filter (where meter.was_litres) as repaired_n,
            sum(meter.m3) as usage,
            sum(meter.m3_night) as usage_night,
            'm3' as unit,
            min(meter.m3) as min_value,
            max(meter.m3) as max_value,
            'm3' as value_unit,
            count(*) filter (where meter.m3 = 0) as zero_n
        from {{ ref('input_water_meter_day') }} as meter
        where
            {{ changed_days('meter.delivered_on', 'power__meter_day', 'water__usage_day', 'water__telemetry_hour', 'gas__alarm', placed=true) }}
        group by meter.division_code, meter.date_on
    ),

    -- What a point measures is one column of its kind; its others are empty.
    readings as (
        select
            point.*,
            coalesce(point.pressure_mpa, point.flow_m3h, point.level_m, point.turbidity_ntu, point.leak_db) as reading
        from {{ ref('input_water_telemetry_hour') }} as point
        where
            {{ changed_days('point.delivered_on', 'power__meter_day', 'water__usage_day', 'water__telemetry_hour', 'gas__alarm', placed=true) }}
    ),

    points as (
        select
            readings.utility,
            'station' as place_kind,
            true as is_station,
            readings.point_no as place_key,
            readings.date_on,
            min(readings.point_kind) as part,
            min(readings.division_code) as division_code,
            min(readings.grid_id) as grid_id,
            count(*) as meters_n,
            count(readings.reading) filter (where readings.has_signal) as read_n,
            count(*) filter (where readings.was_other_unit) as repaired_n,
            -- One reading the whole day to the digit is a sensor that stands still.
            count(readings.reading) >= {{ threshold('stuck_readings_n') }}
            and count(distinct readings.reading) = 1 as is_stuck,
            sum(readings.flow_m3h) as usage,
            min(readings.reading) as min_value,
            max(readings.reading) as max_value,
            count(*) filter (
                where
                    readings.pressure_mpa < {{ threshold('supply_pressure_low_mpa') }}
                    or readings.level_m > {{ threshold('sump_level_high_m') }}
                    or readings.leak_db > {{ threshold('leak_noise_db') }}
            ) as alarm_hours_n
        from readings
        group by readings.utility, readings.point_no, readings.date_on
    ),

    stations as (
        select
            points.* exclude (is_stuck, alarm_hours_n, usage, min_value, max_value),
            points.is_stuck,
            case when not points.is_stuck then points.usage end as usage,
            case when points.usage is not null then 'm3' end as unit,
            case when not points.is_stuck then points.min_value end as min_value,
            case when not points.is_stuck then points.max_value end as max_value,
            kind.unit as value_unit,
            case when points.is_stuck then 0 else points.alarm_hours_n end as alarms_n,
            case when points.is_stuck then 0 else points.alarm_hours_n * 60 end as alarm_minutes_n
        from points
        left join {{ ref('network_point_kind') }} as kind on points.part = kind.point_kind
    ),

    gas as (
        select
            'gas' as utility,
            'customers' as place_kind,
            coalesce(alarm.division_code, '') || ':alarms' as place_key,
            alarm.alarm_on as date_on,
            'alarms' as part,
            alarm.division_code,
            cast(null as varchar) as grid_id,
            count(*) as alarms_n,
            count(*) filter (where alarm.is_leak) as true_alarms_n,
            sum(date_diff('minute', alarm.alarm_at, alarm.arrived_at)) as alarm_minutes_n
        from {{ ref('input_gas_alarm') }} as alarm
        where
            {{ changed_days('alarm.delivered_on', 'power__meter_day', 'water__usage_day', 'water__telemetry_hour', 'gas__alarm', placed=true) }}
        group by alarm.division_code, alarm.alarm_on
    ),

    together as (
        select *
        from power
        union all by name
        select *
        from water
        union all by name
        select *
        from stations
        union all by name
        select *
        from gas
    )

select
    together.utility,
    together.place_kind,
    coalesce(together.is_station, false) as is_station,
    together.place_key,
    together.date_on,
    together.part,
    together.division_code,
    together.grid_id,
    cast(together.meters_n as integer) as meters_n,
    cast(together.read_n as integer) as read_n,
    cast(together.estimated_n as integer) as estimated_n,
    cast(together.repaired_n as integer) as repaired_n,
    cast(together.zero_n as integer) as zero_n,
    coalesce(together.is_stuck, false) as is_stuck,
    cast(together.usage as decimal(18, 3)) as usage,
    cast(together.usage_night as decimal(18, 3)) as usage_night,
    together.unit,
    cast(together.min_value as decimal(18, 3)) as min_value,
    cast(together.max_value as decimal(18, 3)) as max_value,
    together.value_unit,
    cast(together.alarms_n as integer) as alarms_n,
    cast(together.true_alarms_n as integer) as true_alarms_n,
    cast(together.alarm_minutes_n as integer) as alarm_minutes_n
from together
