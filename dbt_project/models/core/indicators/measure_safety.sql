{{ config(enabled=fed_by(
    'traffic_crash', 'fire_incident', 'ems_call', 'police_incident', 'disease_week', 'vehicle_register'
)) }}
-- Of each indicator the windows that its catalogue names.
with
    windows as (
        select distinct part.indicator_id, span.window_kind, span.first_on, span.last_on
        from ({{ indicator_windows() }}) as span
        inner join
            {{ ref('indicator_part') }} as part on list_contains(string_split(part.windows, ' '), span.window_kind)
    ),

    calls as (
        select
            'I12' as indicator_id,
            'fire' as variant,
            fire.alarmed_on as day_on,
            fire.division_code,
            {{ seconds_between('fire.alarmed_at', 'fire.arrived_at') }} as seconds_n
        from {{ ref('fct_fire_incident') }} as fire
        where fire.arrived_at is not null
        union all
        select
            'I12' as indicator_id,
            'ems' as variant,
            ems.called_on as day_on,
            ems.division_code,
            {{ seconds_between('ems.called_at', 'ems.arrived_at') }} as seconds_n
        from {{ ref('fct_ems_call') }} as ems
        where ems.arrived_at is not null
        union all
        select
            'I12' as indicator_id,
            'police' as variant,
            police.called_on as day_on,
            police.division_code,
            {{ seconds_between('police.called_at', 'police.arrived_at') }} as seconds_n
        from {{ ref('fct_police_incident') }} as police
        where police.arrived_at is not null and not police.is_repeat
    ),

    response as (
        select
            calls.variant,
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            scope.scope_code as division_code,
            {{ minutes_of('quantile_cont(calls.seconds_n, 0.5)') }} as p50,
            {{ minutes_of('quantile_cont(calls.seconds_n, 0.9)') }} as p90,
            count(*) as calls_n
        from calls
        inner join
            windows
            on calls.day_on between windows.first_on and windows.last_on
            and calls.indicator_id = windows.indicator_id
        inner join
            {{ ref('bridge_division_scope') }} as scope on calls.division_code is not distinct from scope.division_code
        group by calls.variant, windows.window_kind, windows.first_on, windows.last_on, scope.scope_code
    ),

    years as (
        select distinct span.window_kind, span.first_on, span.last_on
        from ({{ indicator_windows() }}) as span
        inner join (select 'I13' as indicator_id, 'deaths_per_10k_vehicles' as part) as asked on true
        inner join
            {{ ref('indicator_part') }} as part
            on asked.indicator_id = part.indicator_id
            and asked.part = part.part
            and list_contains(string_split(part.windows, ' '), span.window_kind)
    ),

    fleet as (
        select years.last_on, scope.scope_code as division_code, sum(register.motor_vehicles_n) as vehicles_n
        from {{ ref('fct_vehicle_register_month') }} as register
        inner join years on register.register_on = years.last_on
        inner join
            {{ ref('bridge_division_scope') }} as scope
            on register.division_code is not distinct from scope.division_code
        group by years.last_on, scope.scope_code
    ),

    deaths as (
        select years.last_on, scope.scope_code as division_code, sum(crash.deaths_n) as deaths_n
        from {{ ref('crash_on_road') }} as crash
        inner join years on crash.occurred_on between years.first_on and years.last_on
        inner join
            {{ ref('bridge_division_scope') }} as scope on crash.division_code is not distinct from scope.division_code
        group by years.last_on, scope.scope_code
    ),

    spans as (
        select years.last_on as span_key, crash.*
        from {{ ref('crash_on_road') }} as crash
        inner join years on crash.occurred_on between years.first_on and years.last_on
    ),

    stretches as ({{ road_stretches('spans') }}),

    root as (
        select scope.scope_code as division_code
        from {{ ref('bridge_division_scope') }} as scope
        where scope.division_code is null
    ),

    signals as (
        select disease.week_on, disease.division_code, count(*) filter (where disease.is_c2) as signals_n
        from {{ ref('disease_signal_week') }} as disease
        inner join root on disease.division_code = root.division_code
        where disease.is_judged
        group by disease.week_on, disease.division_code
    ),

    governments as (
        select distinct rule.government, rule.level_no
        from {{ ref('std_blackspot_rule') }} as rule
        where rule.window_m is not null
    ),

    measured as (
        select
            'I12' as indicator_id,
            'response_p50' as part,
            response.variant,
            response.window_kind,
            response.first_on,
            response.last_on,
            response.division_code,
            response.p50 as value,
            cast(null as bigint) as numerator,
            cast(null as bigint) as denominator
        from response
        union all
        select
            'I12' as indicator_id,
            'response_p90' as part,
            response.variant,
            response.window_kind,
            response.first_on,
            response.last_on,
            response.division_code,
            response.p90 as value,
            cast(null as bigint) as numerator,
            cast(null as bigint) as denominator
        from response
        union all
        select
            'I13' as indicator_id,
            'deaths_per_10k_vehicles' as part,
            '' as variant,
            years.window_kind,
            years.first_on,
            years.last_on,
            fleet.division_code,
            cast(coalesce(deaths.deaths_n, 0) as double)
            * cast({{ threshold('death_rate_vehicles') }} as double)
            / fleet.vehicles_n as value,
            cast(coalesce(deaths.deaths_n, 0) as bigint) as numerator,
            cast(fleet.vehicles_n as bigint) as denominator
        from years
        inner join fleet on years.last_on = fleet.last_on
        left join deaths on fleet.last_on = deaths.last_on and fleet.division_code = deaths.division_code
        where fleet.vehicles_n > 0
        union all
        select
            'I13' as indicator_id,
            'black_spots' as part,
            governments.government as variant,
            years.window_kind,
            years.first_on,
            years.last_on,
            root.division_code,
            cast(count(stretches.from_m) as double) as value,
            count(stretches.from_m) as numerator,
            cast(null as bigint) as denominator
        from years
        cross join root
        cross join governments
        left join stretches on years.last_on = stretches.span_key and governments.level_no = stretches.level_no
        group by governments.government, years.window_kind, years.first_on, years.last_on, root.division_code
        union all
        select
            'I16' as indicator_id,
            'signals' as part,
            '' as variant,
            span.window_kind,
            span.first_on,
            span.last_on,
            signals.division_code,
            cast(signals.signals_n as double) as value,
            signals.signals_n as numerator,
            cast(null as bigint) as denominator
        from ({{ indicator_windows() }}) as span
        inner join signals on span.first_on = signals.week_on
        union all
        select
            'I16' as indicator_id,
            'signals_per_week' as part,
            '' as variant,
            span.window_kind,
            span.first_on,
            span.last_on,
            signals.division_code,
            cast(sum(signals.signals_n) as double) as value,
            cast(sum(signals.signals_n) as bigint) as numerator,
            cast(null as bigint) as denominator
        from ({{ indicator_windows() }}) as span
        -- A week counts for the window in which it ends.
        inner join
            signals
            on span.first_on < cast(signals.week_on + 7 as date)
            and cast(signals.week_on + 7 as date) <= span.last_on + 1
        group by span.window_kind, span.first_on, span.last_on, signals.division_code
    )

select
    measured.indicator_id,
    measured.part,
    measured.variant,
    measured.window_kind,
    measured.first_on,
    measured.last_on,
    level.scope,
    measured.division_code,
    measured.value,
    cast(measured.numerator as decimal(24, 6)) as numerator,
    cast(measured.denominator as decimal(24, 6)) as denominator
from measured
inner join {{ ref('division') }} as division on measured.division_code = division.division_code
inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
inner join
    {{ ref('indicator_part') }} as part
    on measured.indicator_id = part.indicator_id
    and measured.part = part.part
    and measured.variant = coalesce(part.variant, '')
    and list_contains(string_split(part.windows, ' '), measured.window_kind)
    and list_contains(string_split(part.scopes, ' '), level.scope)
