{{ config(enabled=fed_by(
    'case', 'grid', 'hazard', 'command_lead', 'gas_alarm', 'market_complaint', 'patrol_hit', 'ai_event'
)) }}
-- Everything somebody or something told the city of, by the way in which it came. A report of what was known already is
-- one of those found and none of those found first.
with
    found as (
        select
            case
                when source.is_patrol and coalesce(way.is_model, false)
                then 'case_video'
                when source.is_patrol and coalesce(way.is_public, false)
                then 'public_report'
                when source.is_patrol and coalesce(way.is_supervisor, false)
                then 'supervisor'
                when source.is_patrol
                then 'patrol_other'
                when source.is_grid
                then 'grid'
                else 'hotline'
            end as channel_key,
            counted.created_on as found_on,
            counted.division_code,
            1 as found_n,
            cast(counted.happening_key = counted.case_key as integer) as first_n,
            -- The hotline does not judge what it is told.
            case
                when source.is_patrol
                then 1
                when source.is_grid
                then cast(counted.is_valid is not null as integer)
                else 0
            end as checked_n,
            case
                when source.is_patrol
                then cast(coalesce(counted.is_dispatched, false) as integer)
                when source.is_grid
                then cast(coalesce(counted.is_valid, false) as integer)
                else 0
            end as confirmed_n,
            date_diff('second', counted.created_at, counted.accepted_at) as register_s
        from {{ ref('case_counted') }} as counted
        inner join {{ ref('case_source') }} as source on counted.source_system = source.source_system
        left join {{ ref('case_channel') }} as way on counted.channel = way.source_value
        union all
        select
            'market_complaint',
            complaint.received_on,
            complaint.division_code,
            1,
            1,
            0,
            0,
            date_diff('second', complaint.received_at, complaint.accepted_at)
        from {{ ref('fct_market_complaint') }} as complaint
        union all
        select
            hazard.channel,
            hazard.found_on,
            hazard.division_code,
            1,
            1,
            0,
            0,
            date_diff('second', hazard.found_at, hazard.entered_at)
        from {{ ref('fct_hazard_item') }} as hazard
        union all
        select
            'model',
            lead.pushed_on,
            lead.division_code,
            1,
            cast(not lead.is_copy as integer),
            cast(lead.is_confirmed or lead.is_false as integer),
            cast(lead.is_confirmed as integer),
            date_diff('second', lead.pushed_at, lead.accepted_at)
        from {{ ref('fct_command_lead') }} as lead
        union all
        select
            'gas_alarm',
            alarm.alarm_on,
            alarm.division_code,
            1,
            1,
            cast(alarm.result_key is not null as integer),
            cast(alarm.result_key is not null and not alarm.is_false_alarm as integer),
            date_diff('second', alarm.alarm_at, alarm.arrived_at)
        from {{ ref('fct_gas_alarm') }} as alarm
        union all
        select
            'hit_' || hit.means,
            hit.found_on,
            hit.division_code,
            1,
            1,
            cast(hit.is_checked as integer),
            cast(hit.is_checked and coalesce(hit.is_confirmed, false) as integer),
            cast(null as bigint)
        from {{ ref('fct_patrol_hit') }} as hit
        union all
        select
            'ai_event',
            event.date_on,
            event.division_code,
            event.events_n,
            event.events_n,
            event.looked_at_n,
            event.confirmed_n,
            cast(null as bigint)
        from {{ ref('fct_ai_event_daily') }} as event
    ),

    months as ({{ indicator_months() }}),

    counted as (
        select
            months.month_on,
            scope.scope_code as division_code,
            found.channel_key,
            cast(sum(found.found_n) as bigint) as found_n,
            cast(sum(found.first_n) as bigint) as first_n,
            cast(sum(found.checked_n) as bigint) as checked_n,
            cast(sum(found.confirmed_n) as bigint) as confirmed_n,
            quantile_cont(found.register_s, 0.5) filter (where found.register_s >= 0) as register_s_p50
        from found
        inner join months on found.found_on between months.month_on and months.last_on
        inner join
            {{ ref('bridge_division_scope') }} as scope on found.division_code is not distinct from scope.division_code
        group by months.month_on, scope.scope_code, found.channel_key
    ),

    wholes as (
        select
            counted.month_on,
            counted.division_code,
            sum(counted.first_n) as first_n,
            sum(counted.confirmed_n) as confirmed_n
        from counted
        inner join
            {{ ref('discovery_channel_kind') }} as channel
            on counted.channel_key = channel.channel_key
            and channel.is_in_share
        group by counted.month_on, counted.division_code
    )

select
    counted.month_on,
    counted.division_code,
    counted.channel_key,
    channel.name_zh as channel_zh,
    counted.found_n,
    counted.first_n,
    counted.found_n - counted.first_n as known_already_n,
    case when channel.is_in_share then {{ percent_of('counted.first_n', 'wholes.first_n') }} end as first_share_pct,
    counted.checked_n,
    counted.confirmed_n,
    {{ percent_of('counted.confirmed_n', 'counted.checked_n') }} as confirmed_of_checked_pct,
    cast(
        100 * {{ wilson_low('counted.confirmed_n', 'nullif(counted.checked_n, 0)') }} as decimal(6, 2)
    ) as confirmed_low_pct,
    cast(
        100 * {{ wilson_high('counted.confirmed_n', 'nullif(counted.checked_n, 0)') }} as decimal(6, 2)
    ) as confirmed_high_pct,
    case
        when channel.is_in_share and counted.checked_n > 0
        then {{ percent_of('counted.confirmed_n', 'wholes.confirmed_n') }}
    end as confirmed_share_pct,
    cast(counted.register_s_p50 / 3600 as decimal(12, 2)) as register_p50_hours
from counted
inner join {{ ref('discovery_channel_kind') }} as channel on counted.channel_key = channel.channel_key
left join wholes on counted.month_on = wholes.month_on and counted.division_code = wholes.division_code
