{{ config(
    enabled=fed_by('bus_od_day'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'transport__bus_od_day') }}"
) }}
select
    input.run_on,
    input.division_code,
    count(*) as pairs_n,
    count(distinct input.line_no) as lines_n,
    cast(sum(input.trips_n) as bigint) as trips_n,
    input.delivered_on
from {{ ref('input_bus_od_day') }} as input
where {{ changed_days('input.delivered_on', 'transport__bus_od_day') }}
group by input.run_on, input.division_code, input.delivered_on
