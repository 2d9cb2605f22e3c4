{{ config(enabled=fed_by(
    'enterprise', 'hazard', 'inspection', 'business', 'accident', 'fire_incident', 'market_complaint', 'gas_alarm', 'case'
)) }}
with
    events as (
        select
            accident.accident_key as event_key,
            'accident' as event_kind,
            accident.event_code,
            accident.occurred_at,
            accident.occurred_on,
            accident.division_code,
            cast(null as varchar) as grid_id,
            accident.enterprise_key,
            enterprise.uscc,
            cast(null as varchar) as address_key,
            accident.deaths_n,
            accident.injuries_n
        from {{ ref('fct_accident') }} as accident
        left join {{ ref('dim_enterprise') }} as enterprise on accident.enterprise_key = enterprise.enterprise_key
        union all
        select
            fire.incident_key as event_key,
            'fire' as event_kind,
            fire.event_code,
            fire.alarmed_at as occurred_at,
            fire.alarmed_on as occurred_on,
            fire.division_code,
            fire.grid_id,
            enterprise.enterprise_key,
            fire.unit_uscc as uscc,
            fire.place_key as address_key,
            fire.deaths_n,
            fire.injuries_n
        from {{ ref('fct_fire_incident') }} as fire
        left join {{ ref('enterprise_of_code') }} as enterprise on fire.unit_uscc = enterprise.uscc
        where fire.is_fire
    ),

    -- Signs at the same place: the enterprise, its credit code, or the very address.
    signs as (
        select
            events.event_key,
            'hazard' as sign,
            hazard.found_on as sign_on,
            coalesce(hazard.closed_on < events.occurred_on, false) as is_actioned
        from events
        inner join
            {{ ref('fct_hazard_item') }} as hazard
            on events.enterprise_key = hazard.enterprise_key
            and hazard.found_on < events.occurred_on
        union all
        select
            events.event_key,
            'appeal' as sign,
            appeal.created_on as sign_on,
            coalesce(appeal.closed_at < events.occurred_at, false) as is_actioned
        from events
        inner join
            {{ ref('fct_case') }} as appeal
            on events.address_key = appeal.address_key
            and appeal.created_at < events.occurred_at
        union all
        select
            events.event_key,
            'complaint' as sign,
            complaint.received_on as sign_on,
            coalesce(complaint.closed_at < events.occurred_at, false) as is_actioned
        from events
        inner join
            {{ ref('fct_market_complaint') }} as complaint
            on (events.uscc = complaint.uscc or events.address_key = complaint.address_key)
            and complaint.received_at < events.occurred_at
        union all
        select
            events.event_key,
            'gas_alarm' as sign,
            alarm.alarm_on as sign_on,
            coalesce(alarm.arrived_at < events.occurred_at, false) as is_actioned
        from events
        inner join
            {{ ref('fct_gas_alarm') }} as alarm
            on events.address_key = alarm.address_key
            and alarm.alarm_at < events.occurred_at
        where not alarm.is_false_alarm
    ),

    counted as (
        select
            events.event_key,
            {% for sign in ['hazard', 'appeal', 'complaint', 'gas_alarm'] -%}
                count(*) filter (where signs.sign = '{{ sign }}') as {{ sign }}s_n,
            {% endfor -%}
            count(*) as signs_n,
            count(*) filter (where signs.is_actioned) as signs_actioned_n,
            min(signs.sign_on) as first_sign_on,
            max(signs.sign_on) as last_sign_on
        from events
        inner join
            signs
            on events.event_key = signs.event_key
            and signs.sign_on >= events.occurred_on - cast({{ threshold('precursor_days') }} as integer)
        group by events.event_key
    ),

    inspected as (
        select
            events.event_key,
            count(*) as inspections_n,
            count(*) filter (where coalesce(inspection.findings_n, 0) = 0) as clean_inspections_n
        from events
        inner join
            {{ ref('fct_inspection') }} as inspection
            on (events.enterprise_key = inspection.enterprise_key or events.uscc = inspection.uscc)
            and not inspection.is_self
            and inspection.inspected_on < events.occurred_on
            and inspection.inspected_on >= events.occurred_on - cast({{ threshold('precursor_days') }} as integer)
        group by events.event_key
    )

select
    events.event_key,
    events.event_kind,
    events.event_code,
    events.occurred_on,
    events.division_code,
    events.grid_id,
    events.enterprise_key,
    events.deaths_n,
    events.injuries_n,
    coalesce(counted.hazards_n, 0) as hazards_90d_n,
    coalesce(counted.appeals_n, 0) as appeals_90d_n,
    coalesce(counted.complaints_n, 0) as complaints_90d_n,
    coalesce(counted.gas_alarms_n, 0) as gas_alarms_90d_n,
    coalesce(counted.signs_n, 0) as signs_n,
    coalesce(counted.signs_actioned_n, 0) as signs_actioned_n,
    counted.first_sign_on,
    cast(events.occurred_on - counted.first_sign_on as integer) as lead_days,
    coalesce(inspected.inspections_n, 0) as inspections_90d_n,
    coalesce(inspected.clean_inspections_n, 0) as clean_inspections_90d_n,
    coalesce(counted.signs_n, 0) >= {{ threshold('precursor_signs_n') }} as is_foretold,
    coalesce(counted.signs_n, 0) >= {{ threshold('precursor_signs_n') }}
    and coalesce(counted.signs_actioned_n, 0) = 0 as is_ignored,
    -- The look-back lies wholly within what is known.
    coalesce(
        events.occurred_on - cast({{ threshold('precursor_days') }} as integer)
        >= (select min(hazard.delivered_on) from {{ ref('fct_hazard_item') }} as hazard),
        false
    ) as is_look_back_whole
from events
left join counted on events.event_key = counted.event_key
left join inspected on events.event_key = inspected.event_key
