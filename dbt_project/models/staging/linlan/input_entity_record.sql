{# Every department's word for an enterprise, a place or a facility: one row per dataset and what it is known by there.
   What is typed stays as it is typed; core evens it out. Points are CGCS2000, which is WGS 84 within a metre; in this part
   of the world the longitude is the larger number, so swapped ones are put right by size. #}
{% set no_person = 'cast(null as varchar) as legal_rep_key, cast(null as varchar) as address_hash' -%}
{% set no_point = 'cast(null as decimal(9, 6)) as latitude, cast(null as decimal(9, 6)) as longitude' -%}
{% set no_name = 'cast(null as varchar) as name' -%}
{% set no_industry = 'cast(null as varchar) as industry_code' -%}
{% set attributes = [
    'uscc_stated', 'name', 'legal_rep_key', 'address_hash', 'industry_code', 'area_code', 'latitude', 'longitude'
] -%}
{% set alive = 'cast(null as date) as ceased_on' -%}
with
    said as (
        select
            'market.subject' as source_dataset,
            subject.subject_no as source_key,
            'enterprise' as entity_kind,
            subject.uscc as uscc_stated,
            {{ no_name }},
            subject.legal_rep_key,
            subject.address_key as address_hash,
            subject.industry_code,
            subject.area_code,
            {{ no_point }},
            subject.cancelled_on as ceased_on,
            subject.ds as delivered_on,
            subject._landed_at as landed_at,
            subject._file as file_name,
            subject._record as record_no
        from {{ source('lake', 'market__subject') }} as subject
        union all
        select
            'emergency.enterprise',
            firm.ent_id,
            'enterprise',
            firm.uscc,
            firm.enterprise,
            firm.legal_rep_key,
            firm.address_key,
            firm.industry_code,
            firm.area_code,
            {{ point_by_size('firm') }},
            {{ alive }},
            firm.ds,
            firm._landed_at,
            firm._file,
            firm._record
        from {{ source('lake', 'emergency__enterprise') }} as firm
        union all
        -- What the bureau's other papers say of the same number: a code that the register lacks, often.
        select
            'emergency.enterprise',
            hazard.ent_id,
            'enterprise',
            hazard.uscc,
            hazard.enterprise,
            {{ no_person }},
            {{ no_industry }},
            hazard.area_code,
            {{ no_point }},
            {{ alive }},
            hazard.ds,
            hazard._landed_at,
            hazard._file,
            hazard._record
        from {{ source('lake', 'emergency__hazard') }} as hazard
        where hazard.ent_id is not null
        union all
        select
            'emergency.enterprise',
            inspection.ent_id,
            'enterprise',
            inspection.uscc,
            {{ no_name }},
            {{ no_person }},
            {{ no_industry }},
            inspection.area_code,
            {{ no_point }},
            {{ alive }},
            inspection.ds,
            inspection._landed_at,
            inspection._file,
            inspection._record
        from {{ source('lake', 'emergency__inspection') }} as inspection
        where inspection.ent_id is not null
        union all
        select
            'fire.inspection',
            coalesce(inspection.uscc, concat_ws('|', inspection.unit_title, inspection.area_code)),
            'enterprise',
            inspection.uscc,
            inspection.unit_title,
            null,
            inspection.address_key,
            {{ no_industry }},
            inspection.area_code,
            {{ no_point }},
            {{ alive }},
            inspection.ds,
            inspection._landed_at,
            inspection._file,
            inspection._record
        from {{ source('lake', 'fire__inspection') }} as inspection
        where coalesce(inspection.uscc, inspection.unit_title) is not null
        union all
        select
            'fire.alarm',
            coalesce(alarm.unit_uscc, concat_ws('|', alarm.unit_title, alarm.area_code)),
            'enterprise',
            alarm.unit_uscc,
            alarm.unit_title,
            null,
            alarm.address_key,
            {{ no_industry }},
            alarm.area_code,
            {{ no_point }},
            {{ alive }},
            alarm.ds,
            alarm._landed_at,
            alarm._file,
            alarm._record
        from {{ source('lake', 'fire__alarm') }} as alarm
        where coalesce(alarm.unit_uscc, alarm.unit_title) is not null
        union all
        select
            'market.equipment',
            coalesce(device.uscc, concat_ws('|', device.user_firm, device.area_code)),
            'enterprise',
            device.uscc,
            device.user_firm,
            null,
            device.address_key,
            {{ no_industry }},
            device.area_code,
            {{ point_by_size('device') }},
            {{ alive }},
            device.ds,
            device._landed_at,
            device._file,
            device._record
        from {{ source('lake', 'market__equipment') }} as device
        where coalesce(device.uscc, device.user_firm) is not null
        union all
        select
            'environment.emission_hour',
            coalesce(outlet.uscc, concat_ws('|', outlet.enterprise_name, outlet.township_code)),
            'enterprise',
            outlet.uscc,
            outlet.enterprise_name,
            {{ no_person }},
            {{ no_industry }},
            outlet.township_code,
            {{ no_point }},
            {{ alive }},
            outlet.ds,
            outlet._landed_at,
            outlet._file,
            outlet._record
        from {{ source('lake', 'environment__emission_hour') }} as outlet
        where coalesce(outlet.uscc, outlet.enterprise_name) is not null
        union all
        select
            'transport.waybill',
            coalesce(waybill.shipper_uscc, concat_ws('|', waybill.shipper_title, waybill.origin_code)),
            'enterprise',
            waybill.shipper_uscc,
            waybill.shipper_title,
            {{ no_person }},
            {{ no_industry }},
            waybill.origin_code,
            {{ no_point }},
            {{ alive }},
            waybill.ds,
            waybill._landed_at,
            waybill._file,
            waybill._record
        from {{ source('lake', 'transport__waybill') }} as waybill
        where coalesce(waybill.shipper_uscc, waybill.shipper_title) is not null
        union all
        select
            'transport.vehicle_day',
            vehicle.carrier_uscc,
            'enterprise',
            vehicle.carrier_uscc,
            {{ no_name }},
            {{ no_person }},
            {{ no_industry }},
            null,
            {{ no_point }},
            {{ alive }},
            vehicle.ds,
            vehicle._landed_at,
            vehicle._file,
            vehicle._record
        from {{ source('lake', 'transport__vehicle_day') }} as vehicle
        where vehicle.carrier_uscc is not null
        union all
        select
            'finance.clue_week',
            clue.uscc,
            'enterprise',
            clue.uscc,
            {{ no_name }},
            {{ no_person }},
            {{ no_industry }},
            clue.township_code,
            {{ no_point }},
            {{ alive }},
            clue.ds,
            clue._landed_at,
            clue._file,
            clue._record
        from {{ source('lake', 'finance__clue_week') }} as clue
        where clue.uscc is not null
        union all
        select
            'market.complaint',
            complaint.uscc,
            'enterprise',
            complaint.uscc,
            {{ no_name }},
            {{ no_person }},
            {{ no_industry }},
            complaint.area_code,
            {{ no_point }},
            {{ alive }},
            complaint.ds,
            complaint._landed_at,
            complaint._file,
            complaint._record
        from {{ source('lake', 'market__complaint') }} as complaint
        where complaint.uscc is not null
        union all
        select
            'rental.tenancy',
            tenancy.employer_uscc,
            'enterprise',
            tenancy.employer_uscc,
            {{ no_name }},
            {{ no_person }},
            {{ no_industry }},
            null,
            {{ no_point }},
            {{ alive }},
            tenancy.ds,
            tenancy._landed_at,
            tenancy._file,
            tenancy._record
        from {{ source('lake', 'rental__tenancy') }} as tenancy
        where tenancy.employer_uscc is not null
        union all
        -- A flat's and a building's number begin with the building's; a firm's credit code does not.
        select
            'power.meter_day',
            meter.address_no,
            'enterprise',
            meter.address_no,
            {{ no_name }},
            null,
            meter.account_address,
            {{ no_industry }},
            meter.township_code,
            {{ no_point }},
            {{ alive }},
            meter.ds,
            meter._landed_at,
            meter._file,
            meter._record
        from {{ source('lake', 'power__meter_day') }} as meter
        where
            meter.ds = (select max(newest.ds) from {{ source('lake', 'power__meter_day') }} as newest)
            and not coalesce(starts_with(meter.address_no, meter.building_no), false)
            and not starts_with(meter.address_no, meter.township_code)
        union all
        select
            'housing.community',
            place.community_id,
            'place',
            null,
            place.community,
            {{ no_person }},
            {{ no_industry }},
            place.area_code,
            {{ no_point }},
            {{ alive }},
            place.ds,
            place._landed_at,
            place._file,
            place._record
        from {{ source('lake', 'housing__community') }} as place
        union all
        select
            'housing.dangerous_building',
            place.building_no,
            'building',
            null,
            {{ no_name }},
            null,
            place.address_key,
            {{ no_industry }},
            place.area_code,
            {{ no_point }},
            {{ alive }},
            place.ds,
            place._landed_at,
            place._file,
            place._record
        from {{ source('lake', 'housing__dangerous_building') }} as place
        union all
        select
            'express.building_day',
            place.building_no,
            'building',
            null,
            {{ no_name }},
            {{ no_person }},
            {{ no_industry }},
            place.township_code,
            {{ no_point }},
            {{ alive }},
            place.ds,
            place._landed_at,
            place._file,
            place._record
        from {{ source('lake', 'express__building_day') }} as place
        where
            place.building_no is not null
            and place.ds = (select max(newest.ds) from {{ source('lake', 'express__building_day') }} as newest)
        union all
        select
            'housing.site',
            place.site_no,
            'site',
            null,
            place.site,
            {{ no_person }},
            {{ no_industry }},
            place.area_code,
            {{ point_by_size('place') }},
            place.ended_on,
            place.ds,
            place._landed_at,
            place._file,
            place._record
        from {{ source('lake', 'housing__site') }} as place
        union all
        select
            'education.absence_day',
            place.school_no,
            'school',
            null,
            place.school_title,
            {{ no_person }},
            {{ no_industry }},
            place.area_code,
            {{ no_point }},
            {{ alive }},
            place.ds,
            place._landed_at,
            place._file,
            place._record
        from {{ source('lake', 'education__absence_day') }} as place
        union all
        select
            'health.ems_call',
            place.hospital_title,
            'facility',
            null,
            place.hospital_title,
            {{ no_person }},
            {{ no_industry }},
            null,
            {{ no_point }},
            {{ alive }},
            place.ds,
            place._landed_at,
            place._file,
            place._record
        from {{ source('lake', 'health__ems_call') }} as place
        where place.hospital_title is not null
        union all
        select
            'readiness.shelter',
            place.shelter_no,
            'facility',
            null,
            place.shelter,
            {{ no_person }},
            {{ no_industry }},
            place.area_code,
            {{ point_by_size('place') }},
            {{ alive }},
            place.ds,
            place._landed_at,
            place._file,
            place._record
        from {{ source('lake', 'readiness__shelter') }} as place
        union all
        select
            'transport.bridge',
            place.bridge_no,
            'facility',
            null,
            place.bridge_title,
            {{ no_person }},
            {{ no_industry }},
            place.area_code,
            {{ point_by_size('place') }},
            {{ alive }},
            place.ds,
            place._landed_at,
            place._file,
            place._record
        from {{ source('lake', 'transport__bridge') }} as place
        union all
        select
            'tourism.venue_day',
            place.venue_no,
            'place',
            null,
            place.name,
            {{ no_person }},
            {{ no_industry }},
            place.township_code,
            {{ no_point }},
            {{ alive }},
            place.ds,
            place._landed_at,
            place._file,
            place._record
        from {{ source('lake', 'tourism__venue_day') }} as place
        union all
        select
            'water.flood_point',
            place.point_no,
            'place',
            null,
            place.name,
            {{ no_person }},
            {{ no_industry }},
            place.township_code,
            {{ point_by_size('place') }},
            {{ alive }},
            place.ds,
            place._landed_at,
            place._file,
            place._record
        from {{ source('lake', 'water__flood_point') }} as place
        union all
        select
            'environment.water_section',
            place.section_no,
            'waterbody',
            null,
            place.section_name,
            {{ no_person }},
            {{ no_industry }},
            place.township_code,
            {{ no_point }},
            {{ alive }},
            place.ds,
            place._landed_at,
            place._file,
            place._record
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
