{{ config(enabled=fed_by(
    'weather_warning', 'case', 'traffic_crash', 'device_day', 'power_meter_day', 'water_meter_day', 'water_telemetry_hour',
    'gas_alarm', 'bus_od_day', 'grid'
)) }}
-- Days on which a signal was in force anywhere; days in a row are one event.
with
    warned as (
        select day.date_on, min(warning.level_no) as level_no, list_sort(list(distinct warning.warning_name)) as signals
        from {{ ref('fct_weather_warning') }} as warning
        inner join
            {{ ref('dim_date') }} as day
            on day.date_on >= {{ civil_date('warning.effective_at') }}
            and day.date_on <= {{ civil_date('coalesce(warning.ended_at, warning.expires_at)') }}
        where
            day.date_on <= {{ as_of() }}
            and day.date_on > {{ as_of() }} - cast({{ threshold('season_days') }} as integer)
        group by day.date_on
    ),

    islands as (
        select warned.*, warned.date_on - cast(row_number() over (order by warned.date_on) as integer) as island_on
        from warned
    ),

    events as (
        select
            min(islands.date_on) as event_on,
            max(islands.date_on) as event_end_on,
            min(islands.level_no) as level_no,
            array_to_string(list_sort(list_distinct(flatten(list(islands.signals)))), '、') as signals_zh
        from islands
        group by islands.island_on
        having min(islands.level_no) <= {{ threshold('rain_warning_level') }}
    ),

    spans as (select events.*, lead(events.event_on) over (order by events.event_on) as next_on from events),

    places as (
        select bridge.division_code, bridge.scope_code
        from {{ ref('bridge_division_scope') }} as bridge
        inner join {{ ref('dim_admin_division') }} as division on bridge.scope_code = division.division_code
        inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
        where level.is_county or division.parent_code is null
    ),

    told as (
        select 'appeals' as service_key, fact.place_code as division_code, fact.created_on as day_on, 1 as n, 1 as of_n
        from {{ ref('case_counted') }} as fact
        inner join {{ ref('case_source') }} as source on fact.source_system = source.source_system and source.is_hotline
        union all
        select 'crashes' as service_key, crash.division_code, crash.occurred_on as day_on, 1 as n, 1 as of_n
        from {{ ref('fct_traffic_crash') }} as crash
        union all
        select
            'devices' as service_key,
            status.division_code,
            status.date_on as day_on,
            status.online_n as n,
            status.devices_n as of_n
        from {{ ref('fct_device_status_daily') }} as status
        union all
        select
            'supply' as service_key,
            utility.division_code,
            utility.date_on as day_on,
            utility.read_n - utility.zero_n as n,
            utility.read_n as of_n
        from {{ ref('fct_utility_daily') }} as utility
        where utility.zero_n is not null and utility.read_n > 0
        union all
        select 'bus' as service_key, trip.division_code, trip.run_on as day_on, trip.trips_n as n, 1 as of_n
        from {{ ref('fct_bus_trip_daily') }} as trip
    ),

    -- A count is a sum, and a day without one is 0; trips and shares are known on days with rows only.
    summed as (
        select
            places.scope_code as division_code, told.service_key, told.day_on, sum(told.n) as n, sum(told.of_n) as of_n
        from told
        inner join places on told.division_code is not distinct from places.division_code
        group by places.scope_code, told.service_key, told.day_on
    ),

    shares as (
        select
            service.service_key,
            service.weight,
            service.is_count,
            service.is_share,
            scopes.division_code,
            day.date_on as day_on,
            day.is_workday,
            day.is_holiday is true as is_holiday,
            warned.date_on is not null as is_warned,
            case when service.is_count then coalesce(summed.n, 0) else summed.n end as n,
            summed.of_n
        from {{ std_in_force('std_resilience_service', ['service_key', 'valid_from']) }} as service
        cross join (select distinct places.scope_code as division_code from places) as scopes
        inner join
            {{ ref('dim_date') }} as day
            on day.date_on <= {{ as_of() }}
            and day.date_on >= (select min(feed.day_on) from {{ ref('feed_day') }} as feed)
        left join warned on day.date_on = warned.date_on
        left join
            summed
            on service.service_key = summed.service_key
            and scopes.division_code = summed.division_code
            and day.date_on = summed.day_on
    ),

    levels as (
        select
            shares.*,
            case
                when shares.is_share
                then cast(cast(shares.n as double) / nullif(shares.of_n, 0) as decimal(18, 6))
                else cast(shares.n as decimal(18, 6))
            end as level
        from shares
    ),

    usual as (
        select
            spans.event_on,
            levels.service_key,
            levels.division_code,
            levels.is_workday,
            cast(avg(levels.level) as double) as level
        from spans
        inner join
            levels
            on levels.day_on < spans.event_on
            and levels.day_on >= spans.event_on - cast({{ threshold('curve_baseline_days') }} as integer)
            and not levels.is_warned
            and not levels.is_holiday
            and levels.level is not null
        group by spans.event_on, levels.service_key, levels.division_code, levels.is_workday
        having count(*) >= {{ threshold('curve_least_days') }}
    ),

    followed as (
        select
            spans.event_on,
            spans.event_end_on,
            spans.level_no,
            spans.signals_zh,
            levels.division_code,
            levels.day_on,
            levels.service_key,
            levels.weight,
            cast(
                100.0 * case
                    when levels.is_count
                    then
                        least(
                            (usual.level + {{ threshold('curve_noise_sd') }} * sqrt(usual.level))
                            / greatest(cast(levels.level as double), 1),
                            1
                        )
                    -- Of a usual of nothing nothing can be lost.
                    else coalesce(least(cast(levels.level as double) / nullif(usual.level, 0), 1), 1)
                end as decimal(6, 2)
            ) as service_pct
        from spans
        inner join
            levels
            on levels.day_on >= spans.event_on
            and levels.day_on < spans.event_on + cast({{ threshold('curve_days') }} as integer)
            and (spans.next_on is null or levels.day_on < spans.next_on)
        inner join
            usual
            on spans.event_on = usual.event_on
            and levels.service_key = usual.service_key
            and levels.division_code = usual.division_code
            and levels.is_workday = usual.is_workday
        where levels.level is not null
    ),

    daily as (
        select
            followed.event_on,
            followed.event_end_on,
            followed.level_no,
            followed.signals_zh,
            followed.division_code,
            followed.day_on,
            count(*) as services_n,
            cast(
                sum(followed.weight * followed.service_pct) / sum(followed.weight) as decimal(6, 2)
            ) as service_level_pct,
            map(list(followed.service_key), list(followed.service_pct)) as service_pct
        from followed
        group by
            followed.event_on,
            followed.event_end_on,
            followed.level_no,
            followed.signals_zh,
            followed.division_code,
            followed.day_on
    ),

    lows as (
        select
            daily.event_on,
            daily.division_code,
            sum(100 - daily.service_level_pct) as loss_area,
            min(daily.service_level_pct) as least_level_pct,
            arg_min(daily.day_on, daily.service_level_pct order by daily.day_on) as least_on
        from daily
        group by daily.event_on, daily.division_code
    ),

    backs as (
        select lows.event_on, lows.division_code, min(daily.day_on) as recovered_on
        from lows
        inner join
            daily
            on lows.event_on = daily.event_on
            and lows.division_code = daily.division_code
            and daily.day_on >= lows.least_on
            and daily.service_level_pct >= {{ threshold('curve_recovered_pct') }}
        group by lows.event_on, lows.division_code
    )

select
    daily.event_on,
    daily.event_end_on,
    daily.signals_zh,
    daily.level_no,
    daily.division_code,
    daily.day_on,
    cast(date_diff('day', daily.event_on, daily.day_on) as integer) as day_no,
    daily.services_n,
    daily.service_pct['appeals'] as appeals_level_pct,
    daily.service_pct['crashes'] as road_level_pct,
    daily.service_pct['devices'] as devices_level_pct,
    daily.service_pct['supply'] as supply_level_pct,
    daily.service_pct['bus'] as bus_level_pct,
    daily.service_level_pct,
    cast(lows.loss_area as decimal(10, 2)) as loss_area,
    lows.least_level_pct,
    lows.least_on,
    -- 0 where the level never fell below: there was nothing to recover from.
    cast(
        case
            when lows.least_level_pct >= {{ threshold('curve_recovered_pct') }}
            then 0
            else date_diff('day', daily.event_on, backs.recovered_on)
        end as integer
    ) as days_to_90_n
from daily
inner join lows on daily.event_on = lows.event_on and daily.division_code = lows.division_code
left join backs on daily.event_on = backs.event_on and daily.division_code = backs.division_code
