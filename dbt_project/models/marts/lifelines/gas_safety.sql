{{ config(enabled=fed_by('gas_check', 'gas_alarm')) }}
with
    windows as (
        select indicator_window.window_kind, indicator_window.first_on, indicator_window.last_on
        from ({{ indicator_windows() }}) as indicator_window
        where indicator_window.first_on < indicator_window.last_on
    ),

    visits as (
        select
            windows.window_kind,
            windows.first_on,
            bridge.scope_code,
            visit.company_key,
            count(*) as visits_n,
            count(*) filter (where visit.is_entered) as entered_n,
            count(*) filter (where visit.is_absent) as absent_n,
            count(*) filter (where visit.is_absent_as_checked) as absent_as_checked_n,
            count(*) filter (where visit.is_refused) as refused_n,
            count(*) filter (where visit.is_entered and visit.is_hazard) as hazards_n,
            count(*) filter (
                where visit.is_entered and visit.is_hazard and visit.hazard_grade_no = 1
            ) as hazards_grade1_n,
            count(*) filter (where visit.is_remedied) as remedied_n
        from windows
        inner join {{ ref('fct_gas_check') }} as visit on visit.checked_on between windows.first_on and windows.last_on
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on visit.division_code is not distinct from bridge.division_code
        group by windows.window_kind, windows.first_on, bridge.scope_code, rollup (visit.company_key)
    ),

    -- Users known by the window's end, and those of them let in within a year.
    users as (
        select
            windows.window_kind,
            windows.first_on,
            bridge.scope_code,
            visit.company_key,
            count(distinct visit.user_key) as users_known_n,
            count(distinct visit.user_key) filter (
                where
                    visit.is_entered
                    and visit.checked_on > windows.last_on - cast({{ threshold('gas_check_cycle_days') }} as integer)
            ) as users_checked_n
        from windows
        inner join {{ ref('fct_gas_check') }} as visit on visit.checked_on <= windows.last_on
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on visit.division_code is not distinct from bridge.division_code
        where visit.user_key is not null
        group by windows.window_kind, windows.first_on, bridge.scope_code, rollup (visit.company_key)
    ),

    hazards as (
        select
            visit.user_key,
            visit.company_key,
            visit.division_code,
            visit.hazard_grade_no,
            visit.checked_on as found_on,
            coalesce(
                visit.fixed_on,
                (
                    select min(again.checked_on)
                    from {{ ref('fct_gas_check') }} as again
                    where again.user_key = visit.user_key and again.is_remedied and again.checked_on >= visit.checked_on
                )
            ) as fixed_on
        from {{ ref('fct_gas_check') }} as visit
        where visit.is_entered and visit.is_hazard and visit.user_key is not null
    ),

    open_hazards as (
        select
            windows.window_kind,
            windows.first_on,
            bridge.scope_code,
            hazards.company_key,
            count(*) as hazards_open_n,
            count(*) filter (
                where
                    windows.last_on - hazards.found_on > case
                        when hazards.hazard_grade_no = 1
                        then {{ threshold('gas_grade1_days') }}
                        else {{ threshold('gas_hazard_days') }}
                    end
            ) as hazards_overdue_n
        from windows
        inner join
            hazards
            on hazards.found_on <= windows.last_on
            and (hazards.fixed_on is null or hazards.fixed_on > windows.last_on)
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on hazards.division_code is not distinct from bridge.division_code
        group by windows.window_kind, windows.first_on, bridge.scope_code, rollup (hazards.company_key)
    ),

    alarms as (
        select
            windows.window_kind,
            windows.first_on,
            bridge.scope_code,
            alarm.company_key,
            count(*) as alarms_n,
            count(*) filter (where alarm.is_leak) as leaks_n,
            count(*) filter (where alarm.is_false_alarm) as false_alarms_n,
            quantile_cont({{ seconds_between('alarm.alarm_at', 'alarm.arrived_at') }}, 0.5) as arrival_seconds_p50,
            quantile_cont({{ seconds_between('alarm.alarm_at', 'alarm.arrived_at') }}, 0.9) as arrival_seconds_p90
        from windows
        inner join {{ ref('fct_gas_alarm') }} as alarm on alarm.alarm_on between windows.first_on and windows.last_on
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on alarm.division_code is not distinct from bridge.division_code
        group by windows.window_kind, windows.first_on, bridge.scope_code, rollup (alarm.company_key)
    ),

    -- Places where gas came out twice or more within a month up to the window's end.
    repeats as (
        select places.window_kind, places.first_on, bridge.scope_code, count(*) as repeat_leak_places_n
        from
            (
                select
                    windows.window_kind, windows.first_on, alarm.address_key, min(alarm.division_code) as division_code
                from windows
                inner join
                    {{ ref('fct_gas_alarm') }} as alarm
                    on alarm.alarm_on <= windows.last_on
                    and alarm.alarm_on > windows.last_on - cast({{ threshold('gas_repeat_days') }} as integer)
                where alarm.address_key is not null and not alarm.is_false_alarm
                group by windows.window_kind, windows.first_on, alarm.address_key
                having count(*) > 1
            ) as places
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on places.division_code is not distinct from bridge.division_code
        group by places.window_kind, places.first_on, bridge.scope_code
    )

select
    users.window_kind,
    users.first_on,
    windows.last_on,
    users.scope_code as division_code,
    coalesce(users.company_key, everything.company_key) as company_key,
    coalesce(visits.visits_n, 0) as visits_n,
    coalesce(visits.entered_n, 0) as entered_n,
    {{ percent_of('visits.entered_n', 'visits.visits_n') }} as entered_pct,
    coalesce(visits.absent_n, 0) as absent_n,
    coalesce(visits.absent_as_checked_n, 0) as absent_as_checked_n,
    coalesce(visits.refused_n, 0) as refused_n,
    coalesce(visits.hazards_n, 0) as hazards_n,
    coalesce(visits.hazards_grade1_n, 0) as hazards_grade1_n,
    coalesce(visits.remedied_n, 0) as remedied_n,
    coalesce(open_hazards.hazards_open_n, 0) as hazards_open_n,
    coalesce(open_hazards.hazards_overdue_n, 0) as hazards_overdue_n,
    users.users_known_n,
    users.users_checked_n,
    {{ percent_of('users.users_checked_n', 'users.users_known_n') }} as checked_of_known_pct,
    coalesce(alarms.alarms_n, 0) as alarms_n,
    coalesce(alarms.leaks_n, 0) as leaks_n,
    coalesce(alarms.false_alarms_n, 0) as false_alarms_n,
    cast({{ minutes_of('alarms.arrival_seconds_p50') }} as decimal(12, 1)) as arrival_min_p50,
    cast({{ minutes_of('alarms.arrival_seconds_p90') }} as decimal(12, 1)) as arrival_min_p90,
    case when users.company_key is null then coalesce(repeats.repeat_leak_places_n, 0) end as repeat_leak_places_n
from users
inner join windows on users.window_kind = windows.window_kind and users.first_on = windows.first_on
cross join (select 'all' as company_key) as everything
left join
    visits
    on users.window_kind = visits.window_kind
    and users.first_on = visits.first_on
    and users.scope_code = visits.scope_code
    and users.company_key is not distinct from visits.company_key
left join
    open_hazards
    on users.window_kind = open_hazards.window_kind
    and users.first_on = open_hazards.first_on
    and users.scope_code = open_hazards.scope_code
    and users.company_key is not distinct from open_hazards.company_key
left join
    alarms
    on users.window_kind = alarms.window_kind
    and users.first_on = alarms.first_on
    and users.scope_code = alarms.scope_code
    and users.company_key is not distinct from alarms.company_key
left join
    repeats
    on users.window_kind = repeats.window_kind
    and users.first_on = repeats.first_on
    and users.scope_code = repeats.scope_code
