{{ config(
    enabled=fed_by('water_meter_day'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_months('month_on', 'water__usage_day') }}"
) }}
select
    meter.meter_no,
    cast(date_trunc('month', meter.date_on) as date) as month_on,
    min(meter.address_no) as address_no,
    min(meter.building_no) as building_no,
    min(meter.division_code) as division_code,
    cast(count(*) as integer) as days_n,
    cast(count(meter.m3) as integer) as read_n,
    cast(sum(meter.m3) as decimal(18, 3)) as m3,
    cast(sum(meter.m3_night) as decimal(18, 3)) as m3_night,
    cast(count(*) filter (where meter.m3 = 0) as integer) as zero_days_n,
    max(meter.date_on) filter (where meter.m3 = 0) as last_zero_on
from {{ ref('input_water_meter_day') }} as meter
where {{ changed_months('meter.delivered_on', 'water__usage_day') }}
group by meter.meter_no, date_trunc('month', meter.date_on)
