{# Every department's word for an enterprise, a place or a facility: one row per dataset and what it is known by there.
   What is typed stays as it is typed; core evens it out. Points are CGCS2000, which is WGS 84 within a metre; in this part
   of the world the longitude is the larger number, so swapped ones are put right by size. #}
{%- set attributes = [
    'uscc_stated', 'name', 'legal_rep_key', 'address_hash', 'industry_code', 'area_code', 'latitude', 'longitude'
] %}
with
    said as (
        select
            'market.subject' as source_dataset,
            subject.subject_no as source_key,
            'enterprise' as entity_kind,
            subject.uscc as uscc_stated,
            subject.legal_rep_key,
            subject.address_key as address_hash,
            subject.industry_code,
            subject.area_code,
            subject.cancelled_on as ceased_on,
            {{ as_delivered('subject') }}
        from {{ source('lake', 'market__subject') }} as subject
        union all by name
        select
            'emergency.enterprise' as source_dataset,
            firm.ent_id as source_key,
            'enterprise' as entity_kind,
            firm.uscc as uscc_stated,
            firm.enterprise as name,
            firm.legal_rep_key,
            firm.address_key as address_hash,
            firm.industry_code,
            firm.area_code,
            {{ point_by_size('firm') }},
            {{ as_delivered('firm') }}
        from {{ source('lake', 'emergency__enterprise') }} as firm
        union all by name
        -- What the bureau's other papers say of the same number: a code that the register lacks, often.
        select
            'emergency.enterprise' as source_dataset,
            hazard.ent_id as source_key,
            'enterprise' as entity_kind,
            hazard.uscc as uscc_stated,
            hazard.enterprise as name,
            hazard.area_code,
            {{ as_delivered('hazard') }}
        from {{ source('lake', 'emergency__hazard') }} as hazard
        where hazard.ent_id is not null
        union all by name
        select
            'emergency.enterprise' as source_dataset,
            inspection.ent_id as source_key,
            'enterprise' as entity_kind,
            inspection.uscc as uscc_stated,
            inspection.area_code,
            {{ as_delivered('inspection') }}
        from {{ source('lake', 'emergency__inspection') }} as inspection
        where inspection.ent_id is not null
        union all by name
        select
            'fire.inspection' as source_dataset,
            coalesce(inspection.uscc, concat_ws('|', inspection.unit_title, inspection.area_code)) as source_key,
            'enterprise' as entity_kind,
            inspection.uscc as uscc_stated,
            inspection.unit_title as name,
            inspection.address_key as address_hash,
            inspection.area_code,
            {{ as_delivered('inspection') }}
        from {{ source('lake', 'fire__inspection') }} as inspection
        where coalesce(inspection.uscc, inspection.unit_title) is not null
        union all by name
        select
            'fire.alarm' as source_dataset,
            coalesce(alarm.unit_uscc, concat_ws('|', alarm.unit_title, alarm.area_code)) as source_key,
            'enterprise' as entity_kind,
            alarm.unit_uscc as uscc_stated,
            alarm.unit_title as name,
            alarm.address_key as address_hash,
            alarm.area_code,
            {{ as_delivered('alarm') }}
        from {{ source('lake', 'fire__alarm') }} as alarm
        where coalesce(alarm.unit_uscc, alarm.unit_title) is not null
        union all by name
        select
            'market.equipment' as source_dataset,
            coalesce(device.uscc, concat_ws('|', device.user_firm, device.area_code)) as source_key,
            'enterprise' as entity_kind,
            device.uscc as uscc_stated,
            device.user_firm as name,
            device.address_key as address_hash,
            device.area_code,
            {{ point_by_size('device') }},
            {{ as_delivered('device') }}
        from {{ source('lake', 'market__equipment') }} as device
        where coalesce(device.uscc, device.user_firm) is not null
        union all by name
        select
            'environment.emission_hour' as source_dataset,
            coalesce(outlet.uscc, concat_ws('|', outlet.enterprise_name, outlet.township_code)) as source_key,
            'enterprise' as entity_kind,
            outlet.uscc as uscc_stated,
            outlet.enterprise_name as name,
            outlet.township_code as area_code,
            {{ as_delivered('outlet') }}
        from {{ source('lake', 'environment__emission_hour') }} as outlet
        where coalesce(outlet.uscc, outlet.enterprise_name) is not null
        union all by name
        select
            'transport.waybill' as source_dataset,
            coalesce(waybill.shipper_uscc, concat_ws('|', waybill.shipper_title, waybill.origin_code)) as source_key,
            'enterprise' as entity_kind,
            waybill.shipper_uscc as uscc_stated,
            waybill.shipper_title as name,
            waybill.origin_code as area_code,
            {{ as_delivered('waybill') }}
        from {{ source('lake', 'transport__waybill') }} as waybill
        where coalesce(waybill.shipper_uscc, waybill.shipper_title) is not null
        union all by name
        select
            'transport.vehicle_day' as source_dataset,
            vehicle.carrier_uscc as source_key,
            'enterprise' as entity_kind,
            vehicle.carrier_uscc as uscc_stated,
            {{ as_delivered('vehicle') }}
        from {{ source('lake', 'transport__vehicle_day') }} as vehicle
        where vehicle.carrier_uscc is not null
        union all by name
        select
            'finance.clue_week' as source_dataset,
            clue.uscc as source_key,
            'enterprise' as entity_kind,
            clue.uscc as uscc_stated,
            clue.township_code as area_code,
            {{ as_delivered('clue') }}
        from {{ source('lake', 'finance__clue_week') }} as clue
        where clue.uscc is not null
        union all by name
        select
            'market.complaint' as source_dataset,
            complaint.uscc as source_key,
            'enterprise' as entity_kind,
            complaint.uscc as uscc_stated,
            complaint.area_code,
            {{ as_delivered('complaint') }}
        from {{ source('lake', 'market__complaint') }} as complaint
        where complaint.uscc is not null
        union all by name
        select
            'rental.tenancy' as source_dataset,
            tenancy.employer_uscc as source_key,
            'enterprise' as entity_kind,
            tenancy.employer_uscc as uscc_stated,
            {{ as_delivered('tenancy') }}
        from {{ source('lake', 'rental__tenancy') }} as tenancy
        where tenancy.employer_uscc is not null
        union all by name
        -- A flat's and a building's number begin with the building's; a firm's credit code does not.
        select
            'power.meter_day' as source_dataset,
            meter.address_no as source_key,
            'enterprise' as entity_kind,
            meter.address_no as uscc_stated,
            meter.account_address as address_hash,
            meter.township_code as area_code,
            {{ as_delivered('meter') }}
        from {{ source('lake', 'power__meter_day') }} as meter
        where
            meter.ds = (select max(newest.ds) from {{ source('lake', 'power__meter_day') }} as newest)
            and not coalesce(starts_with(meter.address_no, meter.building_no), false)
            and not starts_with(meter.address_no, meter.township_code)
        union all by name
        select
            'housing.community' as source_dataset,
            place.community_id as source_key,
            'place' as entity_kind,
            place.community as name,
            place.area_code,
            {{ as_delivered('place') }}
        from {{ source('lake', 'housing__community') }} as place
        union all by name
        select
            'housing.dangerous_building' as source_dataset,
            place.building_no as source_key,
            'building' as entity_kind,
            place.address_key as address_hash,
            place.area_code,
            {{ as_delivered('place') }}
        from {{ source('lake', 'housing__dangerous_building') }} as place
        union all by name
        select
            'express.building_day' as source_dataset,
            place.building_no as source_key,
            'building' as entity_kind,
            place.township_code as area_code,
            {{ as_delivered('place') }}
        from {{ source('lake', 'express__building_day') }} as place
        where
            place.building_no is not null
            and place.ds = (select max(newest.ds) from {{ source('lake', 'express__building_day') }} as newest)
        union all by name
        select
            'housing.site' as source_dataset,
            place.site_no as source_key,
            'site' as entity_kind,
            place.site as name,
            place.area_code,
            {{ point_by_size('place') }},
            place.ended_on as ceased_on,
            {{ as_delivered('place') }}
        from {{ source('lake', 'housing__site') }} as place
        union all by name
        select
            'education.absence_day' as source_dataset,
            place.school_no as source_key,
            'school' as entity_kind,
            place.school_title as name,
            place.area_code,
            {{ as_delivered('place') }}
        from {{ source('lake', 'education__absence_day') }} as place
        union all by name
        select
            'health.ems_call' as source_dataset,
            place.hospital_title as source_key,
            'facility' as entity_kind,
            place.hospital_title as name,
            {{ as_delivered('place') }}
        from {{ source('lake', 'health__ems_call') }} as place
        where place.hospital_title is not null
        union all by name
        select
            'readiness.shelter' as source_dataset,
            place.shelter_no as source_key,
            'facility' as entity_kind,
            place.shelter as name,
            place.area_code,
            {{ point_by_size('place') }},
            {{ as_delivered('place') }}
        from {{ source('lake', 'readiness__shelter') }} as place
        union all by name
        select
            'transport.bridge' as source_dataset,
            place.bridge_no as source_key,
            'facility' as entity_kind,
            place.bridge_title as name,
            place.area_code,
            {{ point_by_size('place') }},
            {{ as_delivered('place') }}
        from {{ source('lake', 'transport__bridge') }} as place
        union all by name
        select
            'tourism.venue_day' as source_dataset,
            place.venue_no as source_key,
            'place' as entity_kind,
            place.name,
            place.township_code as area_code,
            {{ as_delivered('place') }}
        from {{ source('lake', 'tourism__venue_day') }} as place
        union all by name
        select
            'water.flood_point' as source_dataset,
            place.point_no as source_key,
            'place' as entity_kind,
            place.name,
            place.township_code as area_code,
            {{ point_by_size('place') }},
            {{ as_delivered('place') }}
        from {{ source('lake', 'water__flood_point') }} as place
        union all by name
        select
            'environment.water_section' as source_dataset,
            place.section_no as source_key,
            'waterbody' as entity_kind,
            place.section_name as name,
            place.township_code as area_code,
            {{ as_delivered('place') }}
        from {{ source('lake', 'environment__water_section') }} as place
    ),

    -- A register says the same every day: the newest of what was ever said is looked for among what differs.
    distinctly as (
        select
            said.source_dataset,
            said.source_key,
            said.entity_kind,
            {% for attribute in attributes -%} said.{{ attribute }}, {% endfor -%}
            max(said.ceased_on) as ceased_on,
            min(said.delivered_on) as first_on,
            max(said.delivered_on) as last_on,
            max((said.delivered_on, said.landed_at, said.file_name, said.record_no)) as last_said
        from said
        group by all
    ),

    newest as (
        select
            distinctly.source_dataset,
            distinctly.source_key,
            any_value(distinctly.entity_kind) as entity_kind,
            min(distinctly.first_on) as first_on,
            max(distinctly.last_on) as last_on,
            -- Of each attribute the newest that was given.
            {% for attribute in attributes -%}
                arg_max(distinctly.{{ attribute }}, distinctly.last_said) filter (
                    where distinctly.{{ attribute }} is not null
                ) as {{ attribute }},
            {% endfor -%}
            max(distinctly.ceased_on) as ceased_on
        from distinctly
        group by distinctly.source_dataset, distinctly.source_key
    ),

    stated as ({{ divisions_stated('newest') }})

select
    newest.source_dataset,
    newest.source_key,
    newest.entity_kind,
    newest.uscc_stated,
    newest.name,
    newest.legal_rep_key,
    newest.address_hash,
    newest.industry_code,
    stated.division_code,
    newest.latitude,
    newest.longitude,
    newest.ceased_on,
    newest.first_on,
    newest.last_on as delivered_on
from newest
left join stated on newest.area_code = stated.area_code
