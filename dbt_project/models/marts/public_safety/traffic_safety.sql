{{ config(enabled=fed_by('traffic_crash', 'violation', 'vehicle_register', 'vehicle_day')) }}
{%- set scores = ['person', 'vehicle', 'road', 'enterprise', 'case'] %}
-- Month by month and division by division; peers are the divisions of one level in one month.
with
    months as (
        select span.first_on, span.last_on
        from ({{ indicator_windows() }}) as span
        where
            span.window_kind = 'month'
            and exists (
                select 1
                from {{ ref('feed_day') }} as feed
                where feed.subject = 'crash' and feed.is_in and feed.day_on between span.first_on and span.last_on
            )
    ),

    divisions as (
        select
            division.division_code,
            division.parent_code,
            level.scope,
            level.level_no,
            division.parent_code is null as is_root
        from {{ ref('division') }} as division
        inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
    ),

    -- The fleet as of the register nearest to the month's end, the one before it when there is a choice. Without any,
    -- what is told by the thousand vehicles stays open and the crashes are told all the same.
    registers as (
        select
            months.first_on,
            coalesce(
                max(register.register_on) filter (where register.register_on <= months.last_on),
                min(register.register_on)
            ) as register_on
        from months
        cross join (select distinct fact.register_on from {{ ref('fct_vehicle_register_month') }} as fact) as register
        group by months.first_on
    ),

    fleet as (
        select
            registers.first_on,
            scope.scope_code,
            sum(register.motor_vehicles_n) as vehicles_n,
            sum(register.overdue_n) as overdue_n,
            sum(register.coach_hazmat_n) as coach_hazmat_n,
            sum(register.coach_hazmat_overdue_n) as coach_hazmat_overdue_n
        from registers
        inner join {{ ref('fct_vehicle_register_month') }} as register on registers.register_on = register.register_on
        inner join
            {{ ref('bridge_division_scope') }} as scope
            on register.division_code is not distinct from scope.division_code
        group by registers.first_on, scope.scope_code
    ),

    conduct as (
        select
            months.first_on,
            scope.scope_code,
            sum(violation.violations_n) as violations_n,
            sum(violation.points_n) as points_n
        from months
        inner join
            {{ ref('fct_violation_daily') }} as violation
            on violation.violated_on between months.first_on and months.last_on
        inner join
            {{ ref('bridge_division_scope') }} as scope
            on violation.division_code is not distinct from scope.division_code
        group by months.first_on, scope.scope_code
    ),

    spots as (
        select distinct crash.crash_key
        from {{ ref('crash_on_road') }} as crash
        inner join
            {{ ref('traffic_blackspot') }} as spot
            on crash.road_code = spot.road_code
            and crash.stake_km between spot.from_km and spot.to_km
    ),

    crashes as (
        select
            months.first_on,
            scope.scope_code,
            count(*) as crashes_n,
            count(*) filter (where placed.is_casualty) as casualty_crashes_n,
            sum(placed.deaths_n) as deaths_n,
            sum(placed.hurt_n) as injured_n,
            sum(placed.epdo) as epdo,
            count(*) filter (where crash.is_unlit) as unlit_n,
            count(*) filter (where crash.is_wet or crash.is_bad_weather) as bad_weather_n,
            count(*) filter (where spots.crash_key is not null) as blackspot_n,
            count(*) filter (
                where
                    coalesce(crash.is_unlit, false)
                    or coalesce(crash.is_wet, false)
                    or coalesce(crash.is_cause_road, false)
                    or spots.crash_key is not null
            ) as road_n,
            count(*) filter (where crash.has_vulnerable) as vulnerable_n
        from months
        inner join {{ ref('crash_on_road') }} as placed on placed.occurred_on between months.first_on and months.last_on
        inner join {{ ref('fct_traffic_crash') }} as crash on placed.crash_key = crash.crash_key
        inner join
            {{ ref('bridge_division_scope') }} as scope on placed.division_code is not distinct from scope.division_code
        left join spots on placed.crash_key = spots.crash_key
        group by months.first_on, scope.scope_code
    ),

    -- Carriers are known by the county that registered them; a township has its county's.
    carriers as (
        select
            months.first_on,
            scope.scope_code,
            sum(carrier.vehicles_n) as vehicle_days_n,
            sum(carrier.offline_n) as offline_n,
            sum(carrier.distance_km) as distance_km,
            sum(carrier.overspeed_n + carrier.fatigue_n) as alarms_n
        from months
        inner join
            {{ ref('fct_carrier_daily') }} as carrier on carrier.run_on between months.first_on and months.last_on
        inner join
            {{ ref('bridge_division_scope') }} as scope
            on carrier.division_code is not distinct from scope.division_code
        group by months.first_on, scope.scope_code
    ),

    measured as (
        select
            months.first_on,
            months.last_on,
            divisions.division_code,
            divisions.scope,
            divisions.is_root,
            fleet.vehicles_n,
            fleet.overdue_n,
            fleet.coach_hazmat_n,
            fleet.coach_hazmat_overdue_n,
            coalesce(conduct.violations_n, 0) as violations_n,
            coalesce(conduct.points_n, 0) as points_n,
            coalesce(crashes.crashes_n, 0) as crashes_n,
            coalesce(crashes.casualty_crashes_n, 0) as casualty_crashes_n,
            coalesce(crashes.deaths_n, 0) as deaths_n,
            coalesce(crashes.injured_n, 0) as injured_n,
            coalesce(crashes.epdo, 0) as epdo,
            coalesce(crashes.unlit_n, 0) as unlit_n,
            coalesce(crashes.bad_weather_n, 0) as bad_weather_n,
            coalesce(crashes.blackspot_n, 0) as blackspot_n,
            coalesce(crashes.vulnerable_n, 0) as vulnerable_n,
            carriers.vehicle_days_n,
            carriers.offline_n,
            carriers.distance_km,
            carriers.alarms_n,
            conduct.points_n * 1000.0 / nullif(fleet.vehicles_n, 0) as person_rate,
            -- Coaches and dangerous goods weigh as much as all the others.
            fleet.overdue_n * 100.0 / nullif(fleet.vehicles_n, 0)
            + coalesce(fleet.coach_hazmat_overdue_n * 100.0 / nullif(fleet.coach_hazmat_n, 0), 0) as vehicle_rate,
            coalesce(crashes.road_n, 0) * 1000.0 / nullif(fleet.vehicles_n, 0) as road_rate,
            carriers.alarms_n * 1000.0 / nullif(carriers.distance_km, 0)
            + carriers.offline_n * 100.0 / nullif(carriers.vehicle_days_n, 0) as enterprise_rate,
            coalesce(crashes.epdo, 0) * 1000.0 / nullif(fleet.vehicles_n, 0) as case_rate
        from months
        cross join divisions
        left join fleet on months.first_on = fleet.first_on and divisions.division_code = fleet.scope_code
        left join conduct on months.first_on = conduct.first_on and divisions.division_code = conduct.scope_code
        left join crashes on months.first_on = crashes.first_on and divisions.division_code = crashes.scope_code
        left join {{ ref('bridge_division_scope') }} as county on divisions.division_code = county.division_code
        inner join
            divisions as carrier_division
            on county.scope_code = carrier_division.division_code
            and carrier_division.level_no
            = least(divisions.level_no, (select max(above.level_no) - 1 from divisions as above))
        left join
            carriers on months.first_on = carriers.first_on and carrier_division.division_code = carriers.scope_code
    ),

    ranked as (
        select
            measured.*,
            {% for score in scores -%}
                case
                    when not measured.is_root and measured.{{ score }}_rate is not null
                    then
                        cast(
                            100.0 * percent_rank() over (
                                partition by measured.first_on, measured.scope, measured.{{ score }}_rate is null
                                order by measured.{{ score }}_rate
                            ) as decimal(5, 1)
                        )
                end as {{ score }}_score{{ ',' if not loop.last }}
            {% endfor %}
        from measured
    )

select
    ranked.first_on as month_on,
    ranked.division_code,
    ranked.scope,
    cast(ranked.vehicles_n as bigint) as vehicles_n,
    cast(ranked.crashes_n as bigint) as crashes_n,
    cast(ranked.casualty_crashes_n as bigint) as casualty_crashes_n,
    cast(ranked.deaths_n as bigint) as deaths_n,
    cast(ranked.injured_n as bigint) as injured_n,
    cast(ranked.epdo as decimal(18, 3)) as epdo,
    cast(ranked.unlit_n as bigint) as unlit_crashes_n,
    cast(ranked.bad_weather_n as bigint) as bad_weather_crashes_n,
    cast(ranked.blackspot_n as bigint) as blackspot_crashes_n,
    cast(ranked.vulnerable_n as bigint) as vulnerable_crashes_n,
    cast(ranked.violations_n as bigint) as violations_n,
    cast(ranked.points_n as bigint) as points_n,
    cast(ranked.overdue_n as bigint) as overdue_vehicles_n,
    cast(ranked.coach_hazmat_n as bigint) as coach_hazmat_n,
    cast(ranked.coach_hazmat_overdue_n as bigint) as coach_hazmat_overdue_n,
    cast(ranked.alarms_n as bigint) as carrier_alarms_n,
    cast(ranked.offline_n * 100.0 / nullif(ranked.vehicle_days_n, 0) as decimal(5, 1)) as carrier_offline_pct,
    cast(ranked.person_rate as decimal(18, 3)) as points_per_1k_vehicles,
    cast(ranked.case_rate as decimal(18, 3)) as epdo_per_1k_vehicles,
    {% for score in scores -%} ranked.{{ score }}_score, {% endfor -%}
    cast(
        (
            {%- for score in scores %}coalesce(ranked.{{ score }}_score, 0){{ ' +' if not loop.last }} {%- endfor %}
        ) / nullif(
            {%- for score in scores %}
                cast(ranked.{{ score }}_score is not null as integer){{ ' +' if not loop.last }}
            {%- endfor %},
            0
        ) as decimal(5, 1)
    ) as risk_score,
    case
        when not ranked.is_root
        then
            rank() over (
                partition by ranked.first_on, ranked.scope
                order by
                    (
                        {%- for score in scores %}
                            coalesce(ranked.{{ score }}_score, 0){{ ' +' if not loop.last }}
                        {%- endfor %}
                    ) / nullif(
                        {%- for score in scores %}
                            cast(ranked.{{ score }}_score is not null as integer){{ ' +' if not loop.last }}
                        {%- endfor %},
                        0
                    ) desc nulls last
            )
    end as rank_no
from ranked
