{{ config(
    enabled=fed_by(
        'power_meter_day', 'water_meter_day', 'water_telemetry_hour', 'gas_alarm', 'device_day', 'bridge', 'case'
    )
) }}
-- What each network's points and devices did on each day, by the smallest division known.
with
    measured as (
        select
            utility.utility as lifeline,
            utility.division_code,
            utility.date_on as day_on,
            case when utility.is_station then 1 else utility.meters_n end as points_n,
            case
                when utility.is_station
                then cast(utility.read_n > 0 and not utility.is_stuck as integer)
                else utility.read_n
            end as online_n,
            cast(utility.is_stuck as integer) as stuck_n,
            utility.alarms_n,
            utility.alarm_minutes_n,
            0 as repairs_opened_n,
            0 as repairs_closed_n
        from {{ ref('fct_utility_daily') }} as utility
        union all
        select
            device.lifeline,
            device.division_code,
            device.date_on,
            device.devices_n,
            device.online_n,
            0 as stuck_n,
            cast(null as integer) as alarms_n,
            cast(null as integer) as alarm_minutes_n,
            0 as repairs_opened_n,
            0 as repairs_closed_n
        from {{ ref('fct_device_status_daily') }} as device
        where device.lifeline is not null
        union all
        select
            category.lifeline,
            fact.division_code,
            day.day_on,
            0 as points_n,
            0 as online_n,
            0 as stuck_n,
            cast(null as integer) as alarms_n,
            cast(null as integer) as alarm_minutes_n,
            cast(day.is_opening as integer) as repairs_opened_n,
            cast(not day.is_opening as integer) as repairs_closed_n
        from {{ ref('case_counted') }} as fact
        inner join
            {{ ref('network_category') }} as category
            on fact.category_key = category.category_key
            and category.lifeline is not null
        cross join
            lateral(
                select fact.created_on as day_on, true as is_opening
                union all
                select fact.closed_on as day_on, false as is_opening
            ) as day
        where day.day_on is not null
    ),

    scoped as (
        select
            measured.lifeline,
            scope.scope_code as division_code,
            measured.day_on,
            sum(measured.points_n) as points_n,
            sum(measured.online_n) as online_n,
            sum(measured.stuck_n) as stuck_n,
            sum(measured.alarms_n) as alarms_n,
            sum(measured.alarm_minutes_n) as alarm_minutes_n,
            sum(measured.repairs_opened_n) as repairs_opened_n,
            sum(measured.repairs_closed_n) as repairs_closed_n
        from measured
        inner join
            {{ ref('bridge_division_scope') }} as scope
            on measured.division_code is not distinct from scope.division_code
        group by measured.lifeline, scope.scope_code, measured.day_on
    ),

    spans as ({{ mart_windows('is_of_lifelines') }}),

    windows as (
        select
            scoped.lifeline,
            scoped.division_code,
            spans.window_kind,
            spans.first_on,
            spans.last_on,
            sum(scoped.points_n) as points_n,
            sum(scoped.online_n) as online_n,
            sum(scoped.stuck_n) as stuck_n,
            sum(scoped.alarms_n) as alarms_n,
            sum(scoped.alarm_minutes_n) as alarm_minutes_n,
            sum(scoped.repairs_opened_n) as repairs_opened_n,
            sum(scoped.repairs_closed_n) as repairs_closed_n
        from scoped
        inner join spans on scoped.day_on >= spans.first_on and scoped.day_on <= spans.last_on
        group by all
    ),

    -- The age of things is known as it is today, and stands in the newest windows only.
    things as (
        select
            device.lifeline,
            device.division_code,
            coalesce(
                device.installed_on + to_years(cast({{ threshold('lifeline_device_life_years') }} as integer))
                <= {{ as_of() }},
                false
            ) as is_aged,
            cast(null as boolean) as is_poor,
            cast(null as boolean) as is_overdue
        from {{ ref('dim_device') }} as device
        where device.lifeline is not null and not device.is_scrapped
        union all
        select
            network.lifeline,
            bridge.division_code,
            coalesce(bridge.built_year + {{ threshold('bridge_aged_years') }} <= year({{ as_of() }}), false) as is_aged,
            bridge.grade_no >= {{ threshold('bridge_poor_grade') }} as is_poor,
            bridge.is_inspection_overdue as is_overdue
        from {{ ref('dim_bridge') }} as bridge
        inner join {{ ref('lifeline') }} as network on network.is_bridge
    ),

    aged as (
        select
            things.lifeline,
            scope.scope_code as division_code,
            count(*) as things_n,
            count(*) filter (where things.is_aged) as aged_n,
            case when count(things.is_poor) > 0 then count(*) filter (where things.is_poor) end as poor_n,
            case when count(things.is_overdue) > 0 then count(*) filter (where things.is_overdue) end as overdue_n
        from things
        inner join
            {{ ref('bridge_division_scope') }} as scope on things.division_code is not distinct from scope.division_code
        group by things.lifeline, scope.scope_code
    ),

    newest as (
        select aged.*, spans.window_kind, spans.first_on, spans.last_on from aged inner join spans on spans.is_newest
    ),

    together as (
        select
            coalesce(windows.lifeline, newest.lifeline) as lifeline,
            coalesce(windows.division_code, newest.division_code) as division_code,
            coalesce(windows.window_kind, newest.window_kind) as window_kind,
            coalesce(windows.first_on, newest.first_on) as first_on,
            coalesce(windows.last_on, newest.last_on) as last_on,
            windows.points_n,
            windows.online_n,
            windows.stuck_n,
            windows.alarms_n,
            windows.alarm_minutes_n,
            windows.repairs_opened_n,
            windows.repairs_closed_n,
            newest.things_n,
            newest.aged_n,
            newest.poor_n,
            newest.overdue_n
        from windows
        full outer join
            newest
            on windows.lifeline = newest.lifeline
            and windows.division_code = newest.division_code
            and windows.window_kind = newest.window_kind
            and windows.first_on = newest.first_on
    )

select
    together.lifeline,
    network.name_zh as lifeline_zh,
    together.division_code,
    together.window_kind,
    together.first_on,
    together.last_on,
    cast(together.points_n as bigint) as point_days_n,
    cast(together.online_n as bigint) as online_days_n,
    cast(together.online_n * 100.0 / nullif(together.points_n, 0) as decimal(6, 2)) as online_pct,
    cast(together.stuck_n as bigint) as stuck_days_n,
    cast(together.alarms_n as bigint) as alarms_n,
    cast(together.alarm_minutes_n as bigint) as alarm_minutes_n,
    cast(coalesce(together.repairs_opened_n, 0) as bigint) as repairs_opened_n,
    cast(coalesce(together.repairs_closed_n, 0) as bigint) as repairs_closed_n,
    together.things_n,
    together.aged_n,
    cast(together.aged_n * 100.0 / nullif(together.things_n, 0) as decimal(6, 2)) as aged_pct,
    together.poor_n,
    together.overdue_n
from together
inner join {{ ref('lifeline') }} as network on together.lifeline = network.lifeline
