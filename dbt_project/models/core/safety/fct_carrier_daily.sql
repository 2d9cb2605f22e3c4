{{ config(
    enabled=fed_by('vehicle_day'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'transport__vehicle_day') }}"
) }}
select
    input.run_on,
    input.carrier_uscc,
    input.vehicle_kind_key,
    min(input.division_code) as division_code,
    bool_or(input.is_coach) as is_coach,
    bool_or(input.is_hazmat) as is_hazmat,
    count(*) as vehicles_n,
    count(*) filter (where not input.is_online) as offline_n,
    count(*) filter (where input.is_online and input.distance_km is null) as drifting_n,
    cast(sum(input.distance_km) as decimal(18, 1)) as distance_km,
    cast(sum(input.night_km) as decimal(18, 1)) as night_km,
    cast(sum(input.online_min) as bigint) as online_min,
    cast(coalesce(sum(input.overspeed_n), 0) as bigint) as overspeed_n,
    cast(coalesce(sum(input.fatigue_n), 0) as bigint) as fatigue_n,
    input.delivered_on
from {{ ref('input_vehicle_day') }} as input
where {{ changed_days('input.delivered_on', 'transport__vehicle_day') }}
group by input.run_on, input.carrier_uscc, input.vehicle_kind_key, input.delivered_on
