{{ config(enabled=fed_by(
    'case', 'grid', 'hazard', 'command_lead', 'gas_alarm', 'market_complaint', 'patrol_hit', 'ai_event', 'accident',
    'fire_incident', 'police_incident', 'traffic_crash', 'enterprise', 'major_hazard_day', 'equipment', 'business', 'site',
    'dangerous_building', 'inspection'
)) }}
with
    months as ({{ indicator_months() }}),

    divisions as (
        select months.month_on, months.last_on, division.division_code
        from months
        cross join {{ ref('division') }} as division
        inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
        where level.is_county or division.parent_code is null
    ),

    events as (
        select
            accident.occurred_on,
            accident.occurred_at,
            accident.division_code,
            cast(null as varchar) as grid_id,
            true as is_event,
            true as is_response
        from {{ ref('fct_accident') }} as accident
        union all
        select fire.alarmed_on, fire.alarmed_at, fire.division_code, fire.grid_id, fire.is_fire, true
        from {{ ref('fct_fire_incident') }} as fire
        where not coalesce(fire.is_false_alarm, false)
        union all
        select gathering.called_on, gathering.called_at, gathering.division_code, gathering.grid_id, true, false
        from {{ ref('fct_police_incident') }} as gathering
        where gathering.is_gathering and not gathering.is_repeat
        union all
        select crash.occurred_on, crash.occurred_at, crash.division_code, cast(null as varchar), true, false
        from {{ ref('crash_on_road') }} as crash
        where crash.is_casualty
    ),

    happened as (
        {{ by_month_and_scope(
        'events', 'occurred_on',
        ['count(*) filter (where told.is_event) as events_n', 'count(*) filter (where told.is_response) as responses_n']
    ) }}
    ),

    managed as (
        select months.month_on, scope.scope_code, count(*) as risks_n
        from months
        inner join
            {{ ref('fct_risk_span') }} as risk
            on risk.from_on <= months.last_on
            and (risk.to_on is null or risk.to_on > months.last_on)
        inner join
            {{ ref('bridge_division_scope') }} as scope on risk.division_code is not distinct from scope.division_code
        group by months.month_on, scope.scope_code
    ),

    -- Put right, and nothing had happened at the enterprise since it was found.
    put_right as (
        select hazard.closed_on, hazard.division_code
        from {{ ref('fct_hazard_item') }} as hazard
        where
            not exists (
                select 1
                from {{ ref('fct_accident') }} as accident
                where
                    accident.enterprise_key = hazard.enterprise_key
                    and accident.occurred_on between hazard.found_on and hazard.closed_on
            )
    ),

    prevented as ({{ by_month_and_scope('put_right', 'closed_on', ['count(*) as prevented_n']) }}),

    -- A lead stands by the event of its grid that is nearest in time: it came before it, or after.
    nearest as (
        select
            lead.lead_key,
            lead.pushed_on,
            lead.division_code,
            arg_min(
                lead.pushed_at <= events.occurred_at, abs(date_diff('second', lead.pushed_at, events.occurred_at))
            ) as is_before
        from {{ ref('fct_command_lead') }} as lead
        inner join events on lead.grid_id = events.grid_id and events.is_event
        where
            not lead.is_copy
            and abs(date_diff('day', lead.pushed_on, events.occurred_on)) <= {{ threshold('precursor_days') }}
        group by lead.lead_key, lead.pushed_on, lead.division_code
    ),

    foretold as (
        {{ by_month_and_scope(
        'nearest', 'pushed_on',
        ['count(*) filter (where told.is_before) as before_n', 'count(*) filter (where not told.is_before) as after_n']
    ) }}
    ),

    sourced as (
        select
            told.month_on,
            told.division_code,
            sum(told.first_n) as told_n,
            sum(told.first_n) filter (where channel.is_resident or channel.is_enterprise) as public_n,
            sum(told.first_n) filter (where channel.is_model or channel.is_machine) as model_n
        from {{ ref('discovery_channel') }} as told
        inner join
            {{ ref('discovery_channel_kind') }} as channel
            on told.channel_key = channel.channel_key
            and channel.is_in_share
        group by told.month_on, told.division_code
    )

select
    divisions.month_on,
    divisions.division_code,
    coalesce(managed.risks_n, 0) as risks_n,
    coalesce(happened.events_n, 0) as events_n,
    cast(coalesce(managed.risks_n, 0) / nullif(happened.events_n, 0) as decimal(12, 4)) as risks_per_event,
    coalesce(prevented.prevented_n, 0) as prevented_n,
    coalesce(happened.responses_n, 0) as responses_n,
    cast(
        coalesce(prevented.prevented_n, 0) / nullif(happened.responses_n, 0) as decimal(12, 4)
    ) as prevented_per_response,
    coalesce(foretold.before_n, 0) as leads_before_n,
    coalesce(foretold.after_n, 0) as leads_after_n,
    cast(coalesce(foretold.before_n, 0) / nullif(foretold.after_n, 0) as decimal(12, 4)) as leads_before_per_after,
    cast(coalesce(sourced.told_n, 0) as bigint) as first_n,
    cast(coalesce(sourced.public_n, 0) as bigint) as public_n,
    {{ percent_of('coalesce(sourced.public_n, 0)', 'sourced.told_n') }} as public_pct,
    cast(coalesce(sourced.model_n, 0) as bigint) as model_n,
    {{ percent_of('coalesce(sourced.model_n, 0)', 'sourced.told_n') }} as model_pct
from divisions
left join managed on divisions.month_on = managed.month_on and divisions.division_code = managed.scope_code
left join happened on divisions.month_on = happened.month_on and divisions.division_code = happened.scope_code
left join prevented on divisions.month_on = prevented.month_on and divisions.division_code = prevented.scope_code
left join foretold on divisions.month_on = foretold.month_on and divisions.division_code = foretold.scope_code
left join sourced on divisions.month_on = sourced.month_on and divisions.division_code = sourced.division_code
