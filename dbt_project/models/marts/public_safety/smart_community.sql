{{ config(enabled=fed_by('smart_alarm')) }}
-- A site is a building and one of the systems.
with
    sites as (
        select
            cast(date_trunc('week', alarm.alarmed_on) as date) as monday_on,
            alarm.app_no,
            alarm.kind_zh,
            alarm.building_no,
            alarm.division_code,
            count(*) filter (where alarm.is_real) >= {{ threshold('repeat_site_alarms_n') }} as is_repeat
        from {{ ref('fct_smart_alarm') }} as alarm
        group by
            date_trunc('week', alarm.alarmed_on), alarm.app_no, alarm.kind_zh, alarm.building_no, alarm.division_code
    ),

    repeats as (
        select
            sites.monday_on,
            sites.app_no,
            sites.kind_zh,
            scope.scope_code as division_code,
            count(*) as sites_n,
            count(*) filter (where sites.is_repeat) as repeat_sites_n
        from sites
        inner join
            {{ ref('bridge_division_scope') }} as scope on sites.division_code is not distinct from scope.division_code
        group by sites.monday_on, sites.app_no, sites.kind_zh, scope.scope_code
    ),

    counted as (
        select
            cast(date_trunc('week', alarm.alarmed_on) as date) as monday_on,
            alarm.app_no,
            alarm.kind_zh,
            scope.scope_code as division_code,
            count(*) as alarms_n,
            count(*) filter (where alarm.is_handled) as handled_n,
            count(*) filter (where alarm.is_real) as real_n,
            count(*) filter (where alarm.is_false) as false_n,
            quantile_cont({{ seconds_between('alarm.alarm_at', 'alarm.handled_at') }}, 0.5) as handled_p50_s
        from {{ ref('fct_smart_alarm') }} as alarm
        inner join
            {{ ref('bridge_division_scope') }} as scope on alarm.division_code is not distinct from scope.division_code
        group by date_trunc('week', alarm.alarmed_on), alarm.app_no, alarm.kind_zh, scope.scope_code
    )

select
    counted.monday_on,
    counted.monday_on + 7 <= {{ as_of() }} + 1 as is_whole_week,
    counted.app_no,
    counted.kind_zh as alarm_kind_zh,
    counted.division_code,
    counted.alarms_n as smart_alarms_n,
    counted.handled_n as alarms_handled_n,
    {{ percent_of('counted.handled_n', 'counted.alarms_n') }} as alarms_handled_pct,
    counted.real_n as real_alarms_n,
    counted.false_n as false_alarms_n,
    {{ percent_of('counted.false_n', 'counted.real_n + counted.false_n') }} as false_alarm_pct,
    cast(
        100 * {{ wilson_low('counted.false_n', '(counted.real_n + counted.false_n)') }} as decimal(6, 2)
    ) as false_alarm_low_pct,
    cast(
        100 * {{ wilson_high('counted.false_n', '(counted.real_n + counted.false_n)') }} as decimal(6, 2)
    ) as false_alarm_high_pct,
    cast({{ minutes_of('counted.handled_p50_s') }} as decimal(12, 1)) as alarm_handled_p50_min,
    repeats.sites_n as alarm_sites_n,
    repeats.repeat_sites_n
from counted
inner join
    repeats
    on counted.monday_on = repeats.monday_on
    and counted.app_no = repeats.app_no
    and counted.kind_zh = repeats.kind_zh
    and counted.division_code = repeats.division_code
