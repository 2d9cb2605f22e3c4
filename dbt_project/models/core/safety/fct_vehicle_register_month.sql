{{ config(
    enabled=fed_by('vehicle_register'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'traffic_police__vehicle') }}"
) }}
select
    input.register_on,
    input.division_code,
    input.vehicle_kind_key,
    count(*) as vehicles_n,
    count(*) filter (where input.is_motor) as motor_vehicles_n,
    count(*) filter (where input.is_overdue) as overdue_n,
    count(*) filter (where input.is_scrapped) as scrapped_n,
    count(*) filter (where input.is_uninsured and not input.is_scrapped) as uninsured_n,
    count(*) filter (where input.is_coach or input.is_hazmat) as coach_hazmat_n,
    count(*) filter (where (input.is_coach or input.is_hazmat) and input.is_overdue) as coach_hazmat_overdue_n,
    count(*) filter (where input.is_school_bus) as school_buses_n,
    input.delivered_on
from {{ ref('input_vehicle_register') }} as input
where {{ changed_days('input.delivered_on', 'traffic_police__vehicle') }}
group by input.register_on, input.division_code, input.vehicle_kind_key, input.delivered_on
