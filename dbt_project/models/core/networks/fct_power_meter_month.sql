{{ config(
    enabled=fed_by('power_meter_day'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_months('month_on', 'power__meter_day') }}"
) }}
select
    meter.meter_no,
    cast(date_trunc('month', meter.date_on) as date) as month_on,
    min(meter.customer) as customer,
    min(meter.address_no) as address_no,
    min(meter.building_no) as building_no,
    min(meter.division_code) as division_code,
    max(meter.area_m2) as area_m2,
    cast(count(*) as integer) as days_n,
    cast(count(meter.kwh) as integer) as read_n,
    cast(count(*) filter (where meter.is_estimated) as integer) as estimated_n,
    cast(sum(meter.kwh) as decimal(18, 2)) as kwh,
    cast(sum(meter.kwh_night) as decimal(18, 2)) as kwh_night,
    cast(count(*) filter (where meter.kwh = 0) as integer) as zero_days_n,
    max(meter.date_on) filter (where meter.kwh = 0) as last_zero_on,
    cast(sum(meter.leak_n) as integer) as leak_n,
    cast(max(meter.leak_n) as integer) as leak_day_max_n,
    cast(sum(meter.overload_n) as integer) as overload_n,
    cast(max(meter.submeters_n) as integer) as submeters_n,
    max(meter.capacity_kva) as capacity_kva
from {{ ref('input_power_meter_day') }} as meter
where {{ changed_months('meter.delivered_on', 'power__meter_day') }}
group by meter.meter_no, date_trunc('month', meter.date_on)
