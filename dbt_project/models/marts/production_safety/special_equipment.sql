{{ config(enabled=fed_by('equipment', 'business', 'enterprise', 'hazard', 'inspection', 'market_complaint')) }}
with
    cancelled as (
        select firm.uscc
        from
            (
                select business.uscc
                from {{ ref('dim_business') }} as business
                where not business.is_active
                union
                select enterprise.uscc
                from {{ ref('dim_enterprise') }} as enterprise
                where not enterprise.is_active
            ) as firm
        where firm.uscc is not null
    ),

    devices as (
        select
            device.listed_on,
            bridge.scope_code,
            device.equipment_type,
            count(*) as devices_n,
            count(*) filter (where device.is_in_use) as in_use_n,
            count(*) filter (where device.is_in_use and device.next_inspection_on < device.listed_on) as overdue_n,
            count(*) filter (
                where
                    device.is_in_use
                    and device.listed_on - device.next_inspection_on > {{ threshold('equipment_long_overdue_days') }}
            ) as overdue_long_n,
            count(*) filter (
                where
                    device.is_in_use
                    and device.next_inspection_on
                    between device.listed_on and device.listed_on
                    + cast({{ threshold('equipment_due_soon_days') }} as integer)
            ) as due_soon_n,
            count(*) filter (where device.is_in_use and device.is_due_derived) as due_missing_n,
            count(*) filter (where device.is_in_use and cancelled.uscc is not null) as orphan_n,
            count(*) filter (where device.is_in_use and device.uscc is null) as ownerless_n
        from {{ ref('fct_equipment_due_snapshot') }} as device
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on device.division_code is not distinct from bridge.division_code
        left join cancelled on device.uscc = cancelled.uscc
        group by device.listed_on, bridge.scope_code, rollup (device.equipment_type)
    ),

    lists as (select distinct devices.listed_on from devices),

    rescues as (
        select lists.listed_on, bridge.scope_code, count(*) as rescues_90d_n
        from lists
        inner join
            {{ ref('fct_market_complaint') }} as complaint
            on complaint.received_on <= lists.listed_on
            and complaint.received_on > lists.listed_on - cast({{ threshold('precursor_days') }} as integer)
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on complaint.division_code is not distinct from bridge.division_code
        where complaint.is_lift_rescue
        group by lists.listed_on, bridge.scope_code
    )

select
    devices.listed_on,
    devices.scope_code as division_code,
    coalesce(devices.equipment_type, everything.equipment_type) as equipment_type,
    devices.devices_n,
    devices.in_use_n,
    devices.overdue_n,
    {{ percent_of('devices.overdue_n', 'devices.in_use_n') }} as overdue_pct,
    cast(100.0 * {{ wilson_low('devices.overdue_n', 'devices.in_use_n') }} as decimal(6, 2)) as overdue_low_pct,
    cast(100.0 * {{ wilson_high('devices.overdue_n', 'devices.in_use_n') }} as decimal(6, 2)) as overdue_high_pct,
    devices.overdue_long_n,
    devices.due_soon_n,
    devices.due_missing_n,
    devices.orphan_n,
    devices.ownerless_n,
    case
        when devices.equipment_type is null or lifts.equipment_type is not null then coalesce(rescues.rescues_90d_n, 0)
    end as rescues_90d_n
from devices
cross join (select 'all' as equipment_type) as everything
left join
    (
        select distinct device.equipment_type
        from {{ ref('fct_equipment_due_snapshot') }} as device
        where device.is_lift
    ) as lifts
    on devices.equipment_type = lifts.equipment_type
left join rescues on devices.listed_on = rescues.listed_on and devices.scope_code = rescues.scope_code
