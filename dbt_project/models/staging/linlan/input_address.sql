{# Standard addresses by their numbers, as the departments write them: of a building, or of a flat in it. Texts of addresses are
   keyed hashes, one for each way to spell them; a department that gives both tells which spelling is which address.
   A table: two models ask for what is gathered from every day of seven systems. #}
{{ config(materialized='table') }}
with
    said as (
        select
            'rental.tenancy' as source_dataset,
            tenancy.flat_no,
            tenancy.building_no,
            tenancy.room_text,
            tenancy.address as address_hash,
            tenancy.township_code as area_code,
            cast(null as varchar) as grid_id,
            tenancy.ds as delivered_on
        from {{ source('lake', 'rental__tenancy') }} as tenancy
        union all
        select 'civil.elder_care', care.flat_no, null, null, care.address, care.township_code, care.grid_id, care.ds
        from {{ source('lake', 'civil__elder_care') }} as care
        union all
        select
            'water.usage_day',
            meter.flat_no,
            meter.building_no,
            null,
            meter.account_address,
            meter.township_code,
            null,
            meter.ds
        from {{ source('lake', 'water__usage_day') }} as meter
        where meter.ds = (select max(newest.ds) from {{ source('lake', 'water__usage_day') }} as newest)
        union all
        -- What a firm's meter is billed under is no address; its building is.
        select
            'power.meter_day',
            case
                when starts_with(meter.address_no, meter.building_no) and meter.address_no <> meter.building_no
                then meter.address_no
            end,
            meter.building_no,
            null,
            meter.account_address,
            meter.township_code,
            null,
            meter.ds
        from {{ source('lake', 'power__meter_day') }} as meter
        where meter.ds = (select max(newest.ds) from {{ source('lake', 'power__meter_day') }} as newest)
        union all
        select 'express.building_day', null, place.building_no, null, null, place.township_code, place.grid_id, place.ds
        from {{ source('lake', 'express__building_day') }} as place
        where place.ds = (select max(newest.ds) from {{ source('lake', 'express__building_day') }} as newest)
        union all
        select 'smart.alarm', alarm.flat_no, alarm.building_no, null, null, alarm.township_code, alarm.grid_id, alarm.ds
        from {{ source('lake', 'smart__alarm') }} as alarm
        union all
        select
            'housing.dangerous_building',
            null,
            place.building_no,
            null,
            place.address_key,
            place.area_code,
            null,
            place.ds
        from {{ source('lake', 'housing__dangerous_building') }} as place
    ),

    distinctly as (
        select
            said.source_dataset,
            said.flat_no,
            said.building_no,
            said.room_text,
            said.address_hash,
            said.area_code,
            said.grid_id,
            min(said.delivered_on) as first_on,
            max(said.delivered_on) as delivered_on
        from said
        where coalesce(said.flat_no, said.building_no) is not null
        group by all
    ),

    stated as ({{ divisions_stated('distinctly') }})

select
    distinctly.source_dataset,
    distinctly.flat_no,
    distinctly.building_no,
    distinctly.room_text,
    distinctly.address_hash,
    distinctly.grid_id,
    stated.division_code,
    distinctly.first_on,
    distinctly.delivered_on
from distinctly
left join stated on distinctly.area_code = stated.area_code
