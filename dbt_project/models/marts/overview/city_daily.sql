with
    windows as (
        select
            reporting_window.window_id,
            reporting_window.starts_on as day_on,
            reporting_window.starts_at,
            reporting_window.ends_at
        from {{ ref('dim_reporting_window') }} as reporting_window
        inner join
            {{ ref('reporting_window_kind') }} as form on reporting_window.kind = form.kind and form.feeds_city_daily
    ),

    grid as (
        select windows.window_id, windows.day_on, division.division_code
        from windows
        cross join {{ ref('dim_admin_division') }} as division
        where windows.day_on >= (select min(feed.day_on) from {{ ref('feed_day') }} as feed)
    ),

    -- Cases come from the hotline's mart, so that two documents never print two numbers.
    cases as (
        select
            performance.window_id,
            performance.division_code,
            sum(performance.accepted_n) filter (where source.counts_as = 'appeals') as appeals_n,
            sum(performance.accepted_n) filter (where source.counts_as = 'defects') as defects_n,
            sum(performance.closed_n) as cases_closed_n,
            sum(performance.open_end_n) as cases_open_n,
            count(*) as sources_n
        from {{ ref('hotline_performance') }} as performance
        inner join {{ ref('case_source') }} as source on performance.source_system = source.source_system
        where performance.days_missing_n = 0
        group by performance.window_id, performance.division_code
    ),

    crashes as (
        select windows.window_id, scope.scope_code as division_code, count(*) as crashes_n
        from {{ ref('fct_traffic_crash') }} as crash
        asof inner join windows on crash.occurred_at >= windows.starts_at
        inner join
            {{ ref('bridge_division_scope') }} as scope on crash.division_code is not distinct from scope.division_code
        where crash.occurred_at < windows.ends_at
        group by windows.window_id, scope.scope_code
    ),

    counted as (
        select
            grid.division_code,
            grid.day_on,
            cases.appeals_n,
            cases.defects_n,
            -- Closed and open cases are of all systems together: half of them would be a wrong number.
            case
                when cases.sources_n = (select count(*) from {{ ref('case_source') }}) then cases.cases_closed_n
            end as cases_closed_n,
            case
                when cases.sources_n = (select count(*) from {{ ref('case_source') }}) then cases.cases_open_n
            end as cases_open_n,
            case when crash_feed.is_in then coalesce(crashes.crashes_n, 0) end as crashes_n
        from grid
        left join cases on grid.window_id = cases.window_id and grid.division_code = cases.division_code
        left join crashes on grid.window_id = crashes.window_id and grid.division_code = crashes.division_code
        left join
            {{ ref('feed_day') }} as crash_feed on grid.day_on = crash_feed.day_on and crash_feed.subject = 'crash'
    ),

    measured as (
        unpivot (select division_code, day_on, appeals_n, defects_n, crashes_n from counted) on appeals_n,
        defects_n,
        crashes_n
        into name measure value n
    ),

    weeks_back as (
        select
            cast(unnest(generate_series(1, cast({{ threshold('expectation_weeks') }} as bigint))) as integer) as week_no
    ),

    -- Mean and standard deviation out of whole-number sums: the same to the last digit in every run.
    earlier as (
        select
            grid.division_code,
            grid.day_on,
            measured.measure,
            count(*) as n,
            sum(measured.n) as sum_n,
            sum(measured.n * measured.n) as sum_squares_n
        from grid
        cross join weeks_back
        inner join
            measured
            on grid.division_code = measured.division_code
            and grid.day_on - 7 * weeks_back.week_no = measured.day_on
        group by grid.division_code, grid.day_on, measured.measure
        having count(*) = {{ threshold('expectation_weeks') }}
    ),

    expected as (
        select
            earlier.division_code,
            earlier.day_on,
            earlier.measure,
            cast(cast(earlier.sum_n as double) / earlier.n as decimal(12, 2)) as expected_n,
            cast(
                sqrt(
                    cast(earlier.n * earlier.sum_squares_n - earlier.sum_n * earlier.sum_n as double)
                    / (earlier.n * (earlier.n - 1))
                ) as decimal(12, 2)
            ) as sigma
        from earlier
    ),

    bands as (
        select
            expected.division_code,
            expected.day_on,
            max(expected.expected_n) filter (where expected.measure = 'appeals_n') as appeals_expected_n,
            max(expected.sigma) filter (where expected.measure = 'appeals_n') as appeals_sigma,
            max(expected.expected_n) filter (where expected.measure = 'defects_n') as defects_expected_n,
            max(expected.sigma) filter (where expected.measure = 'defects_n') as defects_sigma,
            max(expected.expected_n) filter (where expected.measure = 'crashes_n') as crashes_expected_n,
            max(expected.sigma) filter (where expected.measure = 'crashes_n') as crashes_sigma
        from expected
        group by expected.division_code, expected.day_on
    )

select
    counted.division_code,
    counted.day_on,
    cast(counted.appeals_n as bigint) as appeals_n,
    cast(counted.defects_n as bigint) as defects_n,
    cast(counted.cases_closed_n as bigint) as cases_closed_n,
    cast(counted.cases_open_n as bigint) as cases_open_n,
    cast(counted.crashes_n as bigint) as crashes_n,
    weather.precipitation_mm,
    weather.temperature_max_c,
    weather.temperature_min_c,
    weather.windspeed_max_kmh,
    day.is_workday,
    day.is_holiday,
    day.holiday_name_zh,
    bands.appeals_expected_n,
    bands.appeals_sigma,
    bands.defects_expected_n,
    bands.defects_sigma,
    bands.crashes_expected_n,
    bands.crashes_sigma
from counted
inner join {{ ref('dim_date') }} as day on counted.day_on = day.date_on
left join {{ ref('fct_weather_daily') }} as weather on counted.day_on = weather.date_on and weather.is_complete
left join bands on counted.division_code = bands.division_code and counted.day_on = bands.day_on
