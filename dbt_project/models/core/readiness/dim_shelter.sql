{{ config(enabled=fed_by('shelter')) }}
with
    newest as (select max(register.delivered_on) as delivered_on from {{ ref('input_shelter') }} as register),

    first_seen as (
        select register.shelter_id, min(register.delivered_on) as valid_from_on
        from {{ ref('input_shelter') }} as register
        group by register.shelter_id
    )

select
    shelter.shelter_id,
    shelter.name_zh,
    shelter.shelter_class,
    shelter.least_m2_per_head,
    shelter.division_code,
    shelter.area_m2,
    shelter.capacity_n,
    shelter.capacity_n * shelter.least_m2_per_head > shelter.area_m2 as is_overstated,
    shelter.is_indoor,
    shelter.latitude,
    shelter.longitude,
    first_seen.valid_from_on,
    cast(null as date) as valid_to_on
from {{ ref('input_shelter') }} as shelter
inner join newest on shelter.delivered_on = newest.delivered_on
inner join first_seen on shelter.shelter_id = first_seen.shelter_id
