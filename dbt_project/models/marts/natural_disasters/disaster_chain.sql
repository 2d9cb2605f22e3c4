{{ config(enabled=fed_by(
    'weather_hour', 'water_level_hour', 'flood_depth_hour', 'device_day', 'power_meter_day', 'case', 'grid', 'bridge',
    'weather_warning'
)) }}
-- A signal of a day: in a township, or over the whole city for the weather.
with
    weather as (
        select
            weather.date_on,
            unnest(
                [
                    struct_pack(
                        signal := 'strong_wind', is_on := weather.windspeed_max_kmh >= {{ threshold('chain_wind_kmh') }}
                    ),
                    struct_pack(
                        signal := 'heavy_rain', is_on := weather.precipitation_mm >= {{ threshold('chain_rain_mm') }}
                    ),
                    struct_pack(
                        signal := 'hot_day', is_on := weather.temperature_max_c >= {{ threshold('chain_heat_c') }}
                    )
                ],
                recursive := true
            )
        from {{ ref('fct_weather_daily') }} as weather
    ),

    townships as (
        select division.division_code, division.parent_code
        from {{ ref('dim_admin_division') }} as division
        inner join {{ ref('division_residents') }} as residents on division.division_code = residents.division_code
        where
            not exists (
                select 1 from {{ ref('dim_admin_division') }} as child where child.parent_code = division.division_code
            )
    ),

    local as (
        select 'high_level' as signal, hydro.date_on, hydro.division_code, bool_or(hydro.is_above_warning) as is_on
        from {{ ref('fct_hydro_daily') }} as hydro
        group by hydro.date_on, hydro.division_code
        union all
        select 'flooding', day.date_on, day.division_code, count(event.event_key) > 0
        from {{ ref('fct_flood_point_daily') }} as day
        left join
            {{ ref('fct_flood_point_event') }} as event
            on day.point_key = event.point_key
            and {{ civil_date('event.started_at') }} <= day.date_on
            and {{ civil_date('event.ended_at') }} >= day.date_on
        group by day.date_on, day.division_code
        union all
        select
            'device_outage',
            device.date_on,
            device.division_code,
            (sum(device.devices_n) - sum(device.online_n)) * 100.0
            >= {{ threshold('chain_outage_pct') }} * sum(device.devices_n)
        from {{ ref('fct_device_status_daily') }} as device
        group by device.date_on, device.division_code
        union all
        select
            'power_alarms',
            utility.date_on,
            utility.division_code,
            sum(utility.alarms_n)
            > {{ threshold('chain_times_usual') }}
            * avg(sum(utility.alarms_n)) over (partition by utility.division_code)
        from {{ ref('fct_utility_daily') }} as utility
        inner join {{ ref('lifeline') }} as network on utility.utility = network.lifeline and network.is_power
        group by utility.date_on, utility.division_code
        union all
        select
            kind.signal,
            span.date_on,
            townships.division_code,
            count(appeal.case_key)
            > {{ threshold('chain_times_usual') }}
            * avg(count(appeal.case_key)) over (partition by kind.signal, townships.division_code)
        from townships
        cross join (select weather.date_on from {{ ref('fct_weather_daily') }} as weather) as span
        cross join (values ('flood_appeals'), ('lifeline_appeals')) as kind(signal)
        left join
            (
                select case when category.is_flood then 'flood_appeals' else 'lifeline_appeals' end as signal, fact.*
                from {{ ref('case_counted') }} as fact
                inner join
                    {{ ref('network_category') }} as category
                    on fact.category_key = category.category_key
                    and (category.is_flood or category.lifeline is not null)
            ) as appeal
            on kind.signal = appeal.signal
            and townships.division_code = appeal.division_code
            and span.date_on = appeal.created_on
        group by kind.signal, span.date_on, townships.division_code
    ),

    signals as (
        select weather.signal, weather.date_on, townships.division_code, coalesce(weather.is_on, false) as is_on
        from weather
        cross join townships
        union all
        select local.signal, local.date_on, local.division_code, coalesce(local.is_on, false) as is_on
        from local
        inner join townships on local.division_code = townships.division_code
    ),

    -- Of each day of the township: was the trigger on, and was the consequence on it or within the days of the link?
    days as (
        select
            link.chain,
            link.link_no,
            first.division_code,
            first.date_on,
            first.is_on as is_triggered,
            bool_or(later.is_on) as is_followed
        from {{ ref('disaster_chain_link') }} as link
        inner join signals as first on link.trigger_signal = first.signal
        inner join
            signals as later
            on link.consequence_signal = later.signal
            and first.division_code = later.division_code
            and later.date_on >= first.date_on
            and later.date_on < first.date_on + link.within_days_n
        group by link.chain, link.link_no, first.division_code, first.date_on, first.is_on
    ),

    observed as (
        select
            days.chain,
            days.link_no,
            days.division_code,
            count(*) as days_n,
            count(*) filter (where days.is_triggered) as trigger_days_n,
            count(*) filter (where days.is_triggered and days.is_followed) as followed_days_n,
            count(*) filter (where not days.is_triggered and days.is_followed) as without_trigger_n
        from days
        group by days.chain, days.link_no, days.division_code
    ),

    -- Over the city: what a township saw is too little to tell how often one follows from the other.
    city as (
        select
            observed.chain,
            observed.link_no,
            sum(observed.days_n) as days_n,
            sum(observed.trigger_days_n) as trigger_days_n,
            sum(observed.followed_days_n) as followed_days_n,
            sum(observed.without_trigger_n) as without_trigger_n
        from observed
        group by observed.chain, observed.link_no
    ),

    exposed as (
        select 'residents' as exposure, residents.division_code, residents.resident_population_n as exposed_n
        from {{ ref('division_residents') }} as residents
        union all
        select 'elderly80', residents.division_code, residents.elderly80_n
        from {{ ref('division_residents') }} as residents
        union all
        select 'flood_points', point.division_code, count(*)
        from {{ ref('dim_flood_point') }} as point
        group by point.division_code
        union all
        select 'tide_or_level', hydro.division_code, count(distinct hydro.station_key)
        from {{ ref('fct_hydro_daily') }} as hydro
        group by hydro.division_code
        union all
        select 'devices', device.division_code, count(*)
        from {{ ref('dim_device') }} as device
        where not device.is_scrapped
        group by device.division_code
        union all
        select 'meters', meter.division_code, count(distinct meter.meter_no)
        from {{ ref('fct_power_meter_month') }} as meter
        group by meter.division_code
    )

select
    {{ as_of() }} as as_of_on,
    link.chain,
    link.chain_zh,
    link.link_no,
    link.trigger_signal,
    link.consequence_signal,
    link.mechanism_zh,
    townships.division_code,
    link.exposure,
    coalesce(exposed.exposed_n, 0) as exposed_n,
    cast(
        exposed.exposed_n
        * 100.0
        / nullif(sum(exposed.exposed_n) over (partition by link.chain, link.link_no), 0) as decimal(6, 2)
    ) as exposure_share_pct,
    coalesce(observed.days_n, 0) as days_n,
    coalesce(observed.trigger_days_n, 0) as trigger_days_n,
    coalesce(observed.followed_days_n, 0) as followed_days_n,
    cast(city.followed_days_n * 100.0 / nullif(city.trigger_days_n, 0) as decimal(6, 2)) as city_follow_pct,
    cast(
        {{ wilson_low('city.followed_days_n', 'city.trigger_days_n') }} * 100.0 as decimal(6, 2)
    ) as city_follow_low_pct,
    cast(
        {{ wilson_high('city.followed_days_n', 'city.trigger_days_n') }} * 100.0 as decimal(6, 2)
    ) as city_follow_high_pct,
    cast(
        city.without_trigger_n * 100.0 / nullif(city.days_n - city.trigger_days_n, 0) as decimal(6, 2)
    ) as city_without_trigger_pct,
    rank() over (
        partition by link.chain, link.link_no order by coalesce(exposed.exposed_n, 0) desc, townships.division_code
    ) as rank_no
from {{ ref('disaster_chain_link') }} as link
cross join townships
left join
    observed
    on link.chain = observed.chain
    and link.link_no = observed.link_no
    and townships.division_code = observed.division_code
left join city on link.chain = city.chain and link.link_no = city.link_no
left join exposed on link.exposure = exposed.exposure and townships.division_code = exposed.division_code
