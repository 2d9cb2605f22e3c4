{{ config(
    enabled=fed_by('violation'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'traffic_police__violation') }}"
) }}
select
    input.violated_on,
    input.division_code,
    input.violation_code,
    input.vehicle_kind_key,
    min(input.violation_name) as violation_name,
    count(*) as violations_n,
    cast(sum(input.points_n) as bigint) as points_n,
    cast(sum(input.fine_cny) as decimal(18, 2)) as fine_cny,
    input.delivered_on
from {{ ref('input_violation') }} as input
where {{ changed_days('input.delivered_on', 'traffic_police__violation') }}
group by input.violated_on, input.division_code, input.violation_code, input.vehicle_kind_key, input.delivered_on
