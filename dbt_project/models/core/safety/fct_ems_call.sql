{{ config(enabled=fed_by('ems_call')) }}
select
    input.call_key,
    input.category_key,
    input.called_at,
    input.called_on,
    input.dispatched_at,
    input.arrived_at,
    input.hospital_at,
    input.is_traffic,
    input.is_heat,
    input.is_carbon_monoxide,
    input.is_poisoning,
    input.is_transfer,
    input.is_empty,
    input.patients_n,
    input.place_key,
    input.grid_id,
    input.division_code,
    input.latitude,
    input.longitude,
    input.hospital_name,
    input.delivered_on
from {{ ref('input_ems_call') }} as input
