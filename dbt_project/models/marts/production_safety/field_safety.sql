{{ config(enabled=fed_by(
    'enterprise', 'hazard', 'inspection', 'business', 'accident', 'equipment', 'market_complaint', 'gas_alarm',
    'traffic_crash', 'risk_field'
)) }}
with
    windows as (
        select indicator_window.window_kind, indicator_window.first_on, indicator_window.last_on
        from ({{ indicator_windows() }}) as indicator_window
        where indicator_window.first_on < indicator_window.last_on
    ),

    -- What each field's departments deliver of it, in the same terms.
    told as (
        select
            'road_traffic' as field_key,
            crash.occurred_on as day_on,
            crash.division_code,
            1 as events_n,
            crash.deaths_n,
            crash.injuries_n,
            0 as hazards_n,
            0 as hazards_major_n,
            0 as inspections_n
        from {{ ref('fct_traffic_crash') }} as crash
        union all
        select
            enterprise.field_key,
            accident.occurred_on,
            accident.division_code,
            1,
            accident.deaths_n,
            accident.injuries_n,
            0,
            0,
            0
        from {{ ref('fct_accident') }} as accident
        inner join {{ ref('dim_enterprise') }} as enterprise on accident.enterprise_key = enterprise.enterprise_key
        union all
        select
            enterprise.field_key, hazard.found_on, hazard.division_code, 0, 0, 0, 1, cast(hazard.is_major as integer), 0
        from {{ ref('fct_hazard_item') }} as hazard
        inner join {{ ref('dim_enterprise') }} as enterprise on hazard.enterprise_key = enterprise.enterprise_key
        union all
        select enterprise.field_key, inspection.inspected_on, inspection.division_code, 0, 0, 0, 0, 0, 1
        from {{ ref('fct_inspection') }} as inspection
        inner join {{ ref('dim_enterprise') }} as enterprise on inspection.enterprise_key = enterprise.enterprise_key
        where not inspection.is_self
        union all
        select 'special_equipment', complaint.received_on, complaint.division_code, 1, 0, 0, 0, 0, 0
        from {{ ref('fct_market_complaint') }} as complaint
        where complaint.is_lift_rescue
        union all
        select 'energy', alarm.alarm_on, alarm.division_code, 1, 0, 0, 0, 0, 0
        from {{ ref('fct_gas_alarm') }} as alarm
        where alarm.is_leak
    ),

    counted as (
        select
            windows.window_kind,
            windows.first_on,
            bridge.scope_code,
            told.field_key,
            cast(sum(told.events_n) as bigint) as events_n,
            cast(sum(told.deaths_n) as bigint) as deaths_n,
            cast(sum(told.injuries_n) as bigint) as injuries_n,
            cast(sum(told.hazards_n) as bigint) as hazards_found_n,
            cast(sum(told.hazards_major_n) as bigint) as hazards_major_n,
            cast(sum(told.inspections_n) as bigint) as inspections_n
        from windows
        inner join told on told.day_on between windows.first_on and windows.last_on
        inner join
            {{ ref('bridge_division_scope') }} as bridge on told.division_code is not distinct from bridge.division_code
        where told.field_key is not null
        group by windows.window_kind, windows.first_on, bridge.scope_code, told.field_key
    ),

    -- Risks of the field on the lists on the window's last day.
    risks as (
        select
            windows.window_kind,
            windows.first_on,
            bridge.scope_code,
            owner.field_key,
            count(*) as risks_n,
            min(span.level_no) as worst_level_no
        from windows
        inner join
            {{ ref('fct_risk_span') }} as span
            on span.from_on <= windows.last_on
            and (span.to_on is null or span.to_on > windows.last_on)
        inner join {{ ref('risk_owner') }} as owner on span.risk_kind = owner.risk_kind
        inner join
            {{ ref('bridge_division_scope') }} as bridge on span.division_code is not distinct from bridge.division_code
        where owner.field_key is not null
        group by windows.window_kind, windows.first_on, bridge.scope_code, owner.field_key
    ),

    fed as (select distinct told.field_key from told where told.field_key is not null)

select
    windows.window_kind,
    windows.first_on,
    windows.last_on,
    division.division_code,
    field.field_key,
    field.name_zh as field_zh,
    field.department_key,
    field.is_applicable,
    fed.field_key is not null as is_observed,
    -- Nothing is known of a field that nobody delivers: that is no nought.
    case when fed.field_key is not null then coalesce(counted.events_n, 0) end as events_n,
    case when fed.field_key is not null then coalesce(counted.deaths_n, 0) end as deaths_n,
    case when fed.field_key is not null then coalesce(counted.injuries_n, 0) end as injuries_n,
    case when fed.field_key is not null then coalesce(counted.hazards_found_n, 0) end as hazards_found_n,
    case when fed.field_key is not null then coalesce(counted.hazards_major_n, 0) end as hazards_major_n,
    case when fed.field_key is not null then coalesce(counted.inspections_n, 0) end as inspections_n,
    case when fed.field_key is not null then coalesce(risks.risks_n, 0) end as risks_n,
    risks.worst_level_no
from windows
cross join {{ ref('dim_risk_field') }} as field
cross join {{ ref('dim_admin_division') }} as division
left join fed on field.field_key = fed.field_key
left join
    counted
    on windows.window_kind = counted.window_kind
    and windows.first_on = counted.first_on
    and division.division_code = counted.scope_code
    and field.field_key = counted.field_key
left join
    risks
    on windows.window_kind = risks.window_kind
    and windows.first_on = risks.first_on
    and division.division_code = risks.scope_code
    and field.field_key = risks.field_key
-- Counties and the city; what lies below is in the counts of the grids.
inner join
    {{ ref('dim_admin_division') }} as parent
    on coalesce(division.parent_code, division.division_code) = parent.division_code
    and parent.parent_code is null
