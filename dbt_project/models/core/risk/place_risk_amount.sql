{{ config(enabled=fed_by(
    'hazard', 'enterprise', 'inspection', 'business', 'case', 'police_incident', 'fire_incident', 'command_lead', 'grid'
)) }}
with
    days as (
        select day.date_on
        from {{ ref('dim_date') }} as day
        where
            day.date_on <= {{ as_of() }}
            and day.date_on > {{ as_of() }} - cast({{ threshold('place_risk_days') }} as integer)
    ),

    hazards as (
        select
            coalesce(located.grid_id, hazard.division_code) as place_code,
            hazard.division_code,
            hazard.is_major,
            severity.weight,
            hazard.found_on,
            hazard.closed_on
        from {{ ref('fct_hazard_item') }} as hazard
        inner join
            {{ std_in_force('std_place_risk_hazard', ['is_major', 'valid_from']) }} as severity
            on hazard.is_major = severity.is_major
        left join
            {{ ref('enterprise_grid') }} as located
            on hazard.enterprise_key = located.enterprise_key
            and hazard.division_code = located.division_code
        where hazard.division_code is not null
    ),

    stock as (
        select
            days.date_on,
            hazards.place_code,
            hazards.division_code,
            count(*) filter (where hazards.closed_on is null or hazards.closed_on > days.date_on) as open_hazards_n,
            count(*) filter (
                where hazards.is_major and (hazards.closed_on is null or hazards.closed_on > days.date_on)
            ) as major_hazards_n,
            -- An open one counts in full; from its closing on less each day, down to nothing.
            sum(
                cast(
                    hazards.weight * (
                        1
                        - greatest(date_diff('day', coalesce(hazards.closed_on, days.date_on), days.date_on), 0)
                        / {{ threshold('place_risk_decay_days') }}
                    ) as decimal(18, 6)
                )
            ) as hazard_weight
        from days
        inner join
            hazards
            on hazards.found_on <= days.date_on
            and (
                hazards.closed_on is null
                or hazards.closed_on > days.date_on - cast({{ threshold('place_risk_decay_days') }} as integer)
            )
        group by days.date_on, hazards.place_code, hazards.division_code
    ),

    -- A case that several people tell is one event; a call the police knew already is none.
    events as (
        select coalesce(fact.grid_id, fact.division_code) as place_code, fact.division_code, fact.created_on as day_on
        from {{ ref('case_counted') }} as fact
        where fact.division_code is not null and fact.is_direct is not true and not fact.is_void
        union all
        select
            coalesce(incident.grid_id, incident.division_code) as place_code,
            incident.division_code,
            incident.called_on as day_on
        from {{ ref('fct_police_incident') }} as incident
        where incident.division_code is not null and not incident.is_repeat
        union all
        select coalesce(fire.grid_id, fire.division_code) as place_code, fire.division_code, fire.alarmed_on as day_on
        from {{ ref('fct_fire_incident') }} as fire
        where fire.division_code is not null and not fire.is_false_alarm
    ),

    daily as (
        select events.place_code, events.division_code, events.day_on, count(*) as events_n
        from events
        group by events.place_code, events.division_code, events.day_on
    ),

    happened as (
        select days.date_on, daily.place_code, daily.division_code, cast(sum(daily.events_n) as bigint) as events_n
        from days
        inner join
            daily
            on daily.day_on <= days.date_on
            and daily.day_on > days.date_on - cast({{ threshold('place_risk_event_days') }} as integer)
        group by days.date_on, daily.place_code, daily.division_code
    ),

    leads as (
        select
            days.date_on,
            coalesce(lead.grid_id, lead.division_code) as place_code,
            lead.division_code,
            count(*) as open_leads_n
        from days
        inner join
            {{ ref('fct_command_lead') }} as lead
            on lead.pushed_on <= days.date_on
            and (lead.closed_on is null or lead.closed_on > days.date_on)
        where not lead.is_copy and lead.division_code is not null
        group by days.date_on, coalesce(lead.grid_id, lead.division_code), lead.division_code
    ),

    amounts as (
        select
            stock.date_on,
            stock.place_code,
            stock.division_code,
            stock.open_hazards_n,
            stock.major_hazards_n,
            stock.hazard_weight,
            0 as events_n,
            0 as open_leads_n
        from stock
        union all
        select happened.date_on, happened.place_code, happened.division_code, 0, 0, 0, happened.events_n, 0
        from happened
        union all
        select leads.date_on, leads.place_code, leads.division_code, 0, 0, 0, 0, leads.open_leads_n
        from leads
        union all
        -- A grid where nothing happened has its row as well.
        select days.date_on, grid.grid_id, grid.division_code, 0, 0, 0, 0, 0
        from days
        cross join {{ ref('dim_grid') }} as grid
        where grid.is_current
    )

select
    amounts.date_on,
    amounts.place_code,
    -- A grid's township is the register's, whatever a fact says.
    coalesce(grid.division_code, min(amounts.division_code)) as division_code,
    grid.grid_id,
    cast(sum(amounts.open_hazards_n) as bigint) as open_hazards_n,
    cast(sum(amounts.major_hazards_n) as bigint) as major_hazards_n,
    cast(sum(amounts.hazard_weight) as decimal(18, 6)) as hazard_weight,
    cast(sum(amounts.events_n) as bigint) as events_n,
    cast(sum(amounts.open_leads_n) as bigint) as open_leads_n
from amounts
left join {{ ref('dim_grid') }} as grid on amounts.place_code = grid.grid_id and grid.is_current
group by amounts.date_on, amounts.place_code, grid.grid_id, grid.division_code
