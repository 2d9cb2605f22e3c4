{{ config(enabled=fed_by('device_day', 'ai_event', 'flood_depth_hour')) }}
with
    days as (
        select
            device.device_kind,
            scope.scope_code as division_code,
            device.date_on,
            sum(device.devices_n) as devices_n,
            sum(device.online_n) as online_n,
            sum(device.decommissioned_n) as decommissioned_n,
            sum(device.offline_days_n) as offline_days_n,
            sum(device.offline_week_n) as offline_week_n,
            sum(device.clock_ahead_n + device.clock_reset_n) as clock_faults_n,
            sum(device.off_map_n) as off_map_n
        from {{ ref('fct_device_status_daily') }} as device
        inner join
            {{ ref('bridge_division_scope') }} as scope on device.division_code is not distinct from scope.division_code
        group by device.device_kind, scope.scope_code, device.date_on
    ),

    seen as (
        select
            kind.device_kind,
            scope.scope_code as division_code,
            event.date_on,
            sum(event.events_n) as events_n,
            sum(event.looked_at_n) as looked_at_n,
            sum(event.confirmed_n) as confirmed_n
        from {{ ref('fct_ai_event_daily') }} as event
        inner join
            (select distinct kind.ai_event_kind, kind.device_kind from {{ ref('ai_event_kind') }} as kind) as kind
            on event.ai_event_kind = kind.ai_event_kind
        inner join
            {{ ref('bridge_division_scope') }} as scope on event.division_code is not distinct from scope.division_code
        group by kind.device_kind, scope.scope_code, event.date_on
    ),

    spans as ({{ mart_windows('is_of_devices') }}),

    windows as (
        select
            days.device_kind,
            days.division_code,
            spans.window_kind,
            spans.first_on,
            spans.last_on,
            spans.is_newest,
            sum(days.devices_n) as device_days_n,
            sum(days.online_n) as online_days_n,
            arg_max(days.devices_n, days.date_on) as devices_n,
            arg_max(days.online_n, days.date_on) as online_n,
            arg_max(days.decommissioned_n, days.date_on) as decommissioned_n,
            arg_max(days.offline_days_n, days.date_on) as offline_days_n,
            arg_max(days.offline_week_n, days.date_on) as offline_week_n,
            arg_max(days.clock_faults_n, days.date_on) as clock_faults_n,
            arg_max(days.off_map_n, days.date_on) as off_map_n
        from days
        inner join spans on days.date_on >= spans.first_on and days.date_on <= spans.last_on
        group by all
    ),

    events as (
        select
            seen.device_kind,
            seen.division_code,
            spans.window_kind,
            spans.first_on,
            sum(seen.events_n) as events_n,
            sum(seen.looked_at_n) as looked_at_n,
            sum(seen.confirmed_n) as confirmed_n
        from seen
        inner join spans on seen.date_on >= spans.first_on and seen.date_on <= spans.last_on
        group by seen.device_kind, seen.division_code, spans.window_kind, spans.first_on
    ),

    -- Places that must be seen: points that flood. One counts as covered when a device of the kind in its grid answers.
    places as (
        select
            kind.device_kind,
            point.point_key,
            point.division_code,
            bool_or(coalesce(device.is_online and not device.is_scrapped, false)) as is_covered
        from {{ ref('dim_flood_point') }} as point
        cross join (select distinct device.device_kind from {{ ref('dim_device') }} as device) as kind
        left join
            {{ ref('dim_device') }} as device
            on point.grid_id = device.grid_id
            and kind.device_kind = device.device_kind
        group by kind.device_kind, point.point_key, point.division_code
    ),

    covered as (
        select
            places.device_kind,
            scope.scope_code as division_code,
            count(*) as key_places_n,
            count(*) filter (where places.is_covered) as key_places_covered_n
        from places
        inner join
            {{ ref('bridge_division_scope') }} as scope on places.division_code is not distinct from scope.division_code
        group by places.device_kind, scope.scope_code
    )

select
    windows.device_kind,
    windows.division_code,
    windows.window_kind,
    windows.first_on,
    windows.last_on,
    cast(windows.devices_n as bigint) as devices_n,
    cast(windows.online_n as bigint) as online_n,
    cast(windows.online_days_n * 100.0 / nullif(windows.device_days_n, 0) as decimal(6, 2)) as online_pct,
    cast(windows.decommissioned_n as bigint) as decommissioned_n,
    cast(windows.offline_days_n as bigint) as offline_days_n,
    cast(windows.offline_week_n as bigint) as offline_week_n,
    cast(windows.clock_faults_n as bigint) as clock_faults_n,
    cast(windows.off_map_n as bigint) as off_map_n,
    cast(coalesce(events.events_n, 0) as bigint) as events_n,
    cast(coalesce(events.looked_at_n, 0) as bigint) as looked_at_n,
    cast(events.looked_at_n * 100.0 / nullif(events.events_n, 0) as decimal(6, 2)) as looked_at_pct,
    cast(events.confirmed_n * 100.0 / nullif(events.looked_at_n, 0) as decimal(6, 2)) as confirmed_pct,
    covered.key_places_n,
    covered.key_places_covered_n
from windows
left join
    events
    on windows.device_kind = events.device_kind
    and windows.division_code = events.division_code
    and windows.window_kind = events.window_kind
    and windows.first_on = events.first_on
left join
    covered
    on case when windows.is_newest then windows.device_kind end = covered.device_kind
    and windows.division_code = covered.division_code
