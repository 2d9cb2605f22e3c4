{{ config(enabled=fed_by('flood_depth_hour', 'water_telemetry_hour', 'weather_warning', 'case')) }}
with
    look_back as (
        select
            {{ as_of() }} as as_of_on,
            {{ as_of() }} - cast({{ threshold('season_days') }} as integer) as year_from_on,
            {{ as_of() }} - cast({{ threshold('readiness_days') }} as integer) as ready_from_on
    ),

    events as (
        select
            event.point_key,
            count(*) as events_n,
            count(*) filter (where year(event.started_on) = year(look_back.as_of_on)) as events_this_year_n,
            sum(event.hours_n) as hours_n,
            max(event.depth_max_cm) as depth_max_cm,
            min(event.rain_mm) as least_rain_mm,
            min(event.started_at) as first_started_at,
            max(event.started_at) as last_started_at,
            arg_max(event.depth_max_cm, event.started_at) as last_depth_cm
        from {{ ref('fct_flood_point_event') }} as event
        inner join look_back on event.started_on > look_back.year_from_on and event.started_on <= look_back.as_of_on
        group by event.point_key
    ),

    -- Reports of standing water in the point's grid; one settled after a flooding says that it was seen to.
    reports as (
        select point.point_key, fact.case_key, fact.created_on, fact.closed_at
        from {{ ref('case_counted') }} as fact
        inner join
            {{ ref('network_category') }} as category on fact.category_key = category.category_key and category.is_flood
        inner join {{ ref('dim_flood_point') }} as point on fact.grid_id = point.grid_id
    ),

    reported as (
        select reports.point_key, count(*) as reports_n
        from reports
        inner join look_back on reports.created_on > look_back.year_from_on and reports.created_on <= look_back.as_of_on
        group by reports.point_key
    ),

    settled as (
        select
            events.point_key,
            max(reports.closed_at) filter (where reports.closed_at < events.last_started_at) as settled_at
        from events
        inner join reports on events.point_key = reports.point_key and reports.closed_at >= events.first_started_at
        group by events.point_key
    ),

    gauges as (
        select
            day.point_key,
            sum(day.delivered_n) as delivered_n,
            sum(case when not day.is_stuck then day.hours_n else 0 end) as known_n,
            count(*) filter (where day.is_stuck) as stuck_days_n,
            arg_max(day.battery_pct, day.date_on) as battery_pct,
            arg_max(day.hours_n > 0 and not day.is_stuck, day.date_on) as is_reporting
        from {{ ref('fct_flood_point_daily') }} as day
        inner join look_back on day.date_on > look_back.ready_from_on and day.date_on <= look_back.as_of_on
        group by day.point_key
    ),

    -- Before the rain: on days for which a signal was in force, were the gauge and the township's pumps to be seen?
    warned as (
        select distinct scope.division_code, day.date_on
        from {{ ref('fct_weather_warning') }} as warning
        inner join
            (select distinct link.chain from {{ ref('disaster_chain_link') }} as link where link.is_flooding) as wet
            on warning.warning_code = wet.chain
        inner join {{ ref('bridge_division_scope') }} as scope on warning.division_code = scope.scope_code
        inner join
            {{ ref('dim_date') }} as day
            on day.date_on >= {{ civil_date('warning.effective_at') }}
            and day.date_on <= {{ civil_date('coalesce(warning.ended_at, warning.expires_at)') }}
        cross join look_back
        where
            warning.level_no <= {{ threshold('rain_warning_level') }}
            and day.date_on > look_back.year_from_on
            and day.date_on <= look_back.as_of_on
    ),

    pumps as (
        select
            utility.division_code,
            utility.date_on,
            count(*) as stations_n,
            count(*) filter (where utility.read_n > 0 and not utility.is_stuck) as online_n
        from {{ ref('fct_utility_daily') }} as utility
        inner join {{ ref('network_point_kind') }} as kind on utility.part = kind.point_kind and kind.is_pump
        group by utility.division_code, utility.date_on
    ),

    ready as (
        select
            point.point_key,
            count(*) as warned_days_n,
            count(*) filter (where coalesce(day.hours_n, 0) = 0 or day.is_stuck) as warned_blind_days_n,
            sum(pumps.stations_n) as warned_pump_days_n,
            sum(pumps.online_n) as warned_pump_online_days_n
        from {{ ref('dim_flood_point') }} as point
        inner join warned on point.division_code = warned.division_code
        left join
            {{ ref('fct_flood_point_daily') }} as day
            on point.point_key = day.point_key
            and warned.date_on = day.date_on
        left join pumps on point.division_code = pumps.division_code and warned.date_on = pumps.date_on
        group by point.point_key
    )

select
    look_back.as_of_on,
    point.point_key,
    point.point_name,
    point.division_code,
    point.grid_id,
    point.latitude,
    point.longitude,
    cast(coalesce(events.events_n, 0) as integer) as events_12m_n,
    cast(coalesce(events.events_this_year_n, 0) as integer) as events_this_year_n,
    coalesce(events.events_this_year_n, 0) >= {{ threshold('flood_repeat_n') }} as is_recurrent,
    cast(coalesce(events.hours_n, 0) as integer) as flooded_hours_12m_n,
    events.depth_max_cm,
    events.least_rain_mm,
    events.last_started_at,
    events.last_depth_cm,
    cast(coalesce(reported.reports_n, 0) as integer) as reports_12m_n,
    settled.settled_at,
    settled.settled_at is not null as is_flooded_after_settled,
    coalesce(gauges.is_reporting, false) as is_reporting,
    gauges.battery_pct,
    cast(gauges.known_n * 100.0 / nullif(gauges.delivered_n, 0) as decimal(6, 2)) as gauge_known_pct,
    cast(coalesce(gauges.stuck_days_n, 0) as integer) as stuck_days_n,
    cast(coalesce(ready.warned_days_n, 0) as integer) as warned_days_n,
    cast(coalesce(ready.warned_blind_days_n, 0) as integer) as warned_blind_days_n,
    cast(
        ready.warned_pump_online_days_n * 100.0 / nullif(ready.warned_pump_days_n, 0) as decimal(6, 2)
    ) as warned_pump_online_pct,
    coalesce(gauges.is_reporting, false)
    and coalesce(gauges.battery_pct >= {{ threshold('gauge_battery_low_pct') }}, true) as is_gauge_ready
from {{ ref('dim_flood_point') }} as point
cross join look_back
left join events on point.point_key = events.point_key
left join reported on point.point_key = reported.point_key
left join settled on point.point_key = settled.point_key
left join gauges on point.point_key = gauges.point_key
left join ready on point.point_key = ready.point_key
