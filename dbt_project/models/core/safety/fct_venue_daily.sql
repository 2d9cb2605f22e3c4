{{ config(
    enabled=fed_by('venue_slot'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'tourism__venue_day') }}"
) }}
select
    input.venue_key,
    input.day_on,
    min(input.venue_no) as venue_no,
    min(input.venue_name) as venue_name,
    min(input.kind_name) as kind_name,
    min(input.division_code) as division_code,
    cast(max(input.capacity_n) as bigint) as capacity_n,
    cast(sum(input.entered_n) as bigint) as visitors_n,
    cast(max(input.inside_n) as bigint) as peak_inside_n,
    cast(arg_min(input.slot_no, (- coalesce(input.inside_n, 0), input.slot_no)) as integer) as peak_slot_no,
    count(*) filter (where input.inside_n > input.capacity_n) as over_capacity_slots_n,
    count(*) as slots_n,
    count(*) filter (where input.inside_n is null) as faulty_slots_n,
    input.delivered_on
from {{ ref('input_venue_slot') }} as input
where {{ changed_days('input.delivered_on', 'tourism__venue_day') }}
group by input.venue_key, input.day_on, input.delivered_on
