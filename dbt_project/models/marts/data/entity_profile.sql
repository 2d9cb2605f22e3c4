{{ config(enabled=fed_by(
    'entity_record', 'address', 'address_use', 'division', 'grid', 'enterprise', 'hazard', 'inspection', 'business',
    'accident', 'market_complaint', 'equipment', 'emission_hour'
)) }}
-- The bureau's number of an enterprise and its credit code lead to the same entity.
with
    by_number as (
        select enterprise.enterprise_key, min(link.entity_key) as entity_key
        from {{ ref('dim_enterprise') }} as enterprise
        inner join {{ ref('entity_link') }} as link on enterprise.enterprise_no = link.source_key
        group by enterprise.enterprise_key
    ),

    by_code as (
        select entity.uscc, min(entity.entity_key) as entity_key
        from {{ ref('dim_entity') }} as entity
        where entity.uscc is not null
        group by entity.uscc
    ),

    since as (select {{ as_of() }} - cast({{ threshold('profile_days') }} as integer) as day_on),

    hazard as (
        select
            by_number.entity_key,
            count(*) as hazards_n,
            count(*) filter (where not item.is_closed) as hazards_open_n,
            count(*) filter (where not item.is_closed and item.is_major) as hazards_major_open_n,
            count(*) filter (where not item.is_closed and item.due_on < {{ as_of() }}) as hazards_overdue_n
        from {{ ref('fct_hazard_item') }} as item
        inner join by_number on item.enterprise_key = by_number.enterprise_key
        group by by_number.entity_key
    ),

    inspection as (
        select
            coalesce(by_number.entity_key, by_code.entity_key) as entity_key,
            count(*) filter (where {{ civil_date('check_up.started_at') }} > since.day_on) as inspections_n,
            max({{ civil_date('check_up.started_at') }}) as inspected_last_on,
            cast(
                sum(check_up.findings_n) filter (where {{ civil_date('check_up.started_at') }} > since.day_on) as bigint
            ) as findings_n
        from {{ ref('fct_inspection') }} as check_up
        cross join since
        left join by_number on check_up.enterprise_key = by_number.enterprise_key
        left join by_code on check_up.uscc = by_code.uscc
        where coalesce(by_number.entity_key, by_code.entity_key) is not null
        group by coalesce(by_number.entity_key, by_code.entity_key)
    ),

    accident as (
        select by_number.entity_key, count(*) as accidents_n
        from {{ ref('fct_accident') }} as accident
        inner join by_number on accident.enterprise_key = by_number.enterprise_key
        cross join since
        where {{ civil_date('accident.occurred_at') }} > since.day_on
        group by by_number.entity_key
    ),

    complaint as (
        select by_code.entity_key, count(*) as complaints_n
        from {{ ref('fct_market_complaint') }} as complaint
        inner join by_code on complaint.uscc = by_code.uscc
        cross join since
        where {{ civil_date('complaint.received_at') }} > since.day_on
        group by by_code.entity_key
    ),

    equipment as (
        select
            by_code.entity_key,
            count(*) filter (where device.is_in_use) as equipment_n,
            count(*) filter (
                where device.is_in_use and device.next_inspection_on < {{ as_of() }}
            ) as equipment_overdue_n
        from {{ ref('fct_equipment_due_snapshot') }} as device
        inner join by_code on device.uscc = by_code.uscc
        where device.ds = (select max(newest.ds) from {{ ref('fct_equipment_due_snapshot') }} as newest)
        group by by_code.entity_key
    ),

    emission as (
        select
            by_code.entity_key, count(distinct outfall.date_on) filter (where outfall.is_over) as emission_over_days_n
        from {{ ref('fct_emission_daily') }} as outfall
        inner join by_code on outfall.uscc = by_code.uscc
        cross join since
        where outfall.date_on > since.day_on
        group by by_code.entity_key
    ),

    likeness as (
        select link.entity_key, count(*) filter (where link.is_by_likeness) as records_by_likeness_n
        from {{ ref('entity_link') }} as link
        group by link.entity_key
    )

select
    entity.entity_key,
    entity.entity_kind,
    kind.name_zh as entity_kind_zh,
    entity.name_std as name_zh,
    entity.uscc,
    entity.division_code,
    entity.industry_code,
    entity.latitude,
    entity.longitude,
    entity.valid_to_on is null as is_active,
    entity.datasets_n,
    entity.records_n,
    likeness.records_by_likeness_n,
    entity.confidence as confidence_pct,
    coalesce(hazard.hazards_n, 0) as hazards_n,
    coalesce(hazard.hazards_open_n, 0) as hazards_open_n,
    coalesce(hazard.hazards_major_open_n, 0) as hazards_major_open_n,
    coalesce(hazard.hazards_overdue_n, 0) as hazards_overdue_n,
    coalesce(inspection.inspections_n, 0) as inspections_n,
    inspection.inspected_last_on,
    coalesce(inspection.findings_n, 0) as findings_n,
    coalesce(accident.accidents_n, 0) as accidents_n,
    coalesce(complaint.complaints_n, 0) as complaints_n,
    coalesce(equipment.equipment_n, 0) as equipment_n,
    coalesce(equipment.equipment_overdue_n, 0) as equipment_overdue_n,
    coalesce(emission.emission_over_days_n, 0) as emission_over_days_n
from {{ ref('dim_entity') }} as entity
inner join {{ ref('entity_kind') }} as kind on entity.entity_kind = kind.entity_kind
inner join likeness on entity.entity_key = likeness.entity_key
left join hazard on entity.entity_key = hazard.entity_key
left join inspection on entity.entity_key = inspection.entity_key
left join accident on entity.entity_key = accident.entity_key
left join complaint on entity.entity_key = complaint.entity_key
left join equipment on entity.entity_key = equipment.entity_key
left join emission on entity.entity_key = emission.entity_key
where
    not kind.is_of_dwelling
    -- A one-person business that only its registration tells of is that person's affair.
    and (entity.name_std is not null or entity.datasets_n > 1)
