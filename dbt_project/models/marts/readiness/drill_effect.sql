{{ config(enabled=fed_by('drill')) }}
with
    drills as (
        select drill.*, cast(date_trunc('quarter', coalesce(drill.held_on, drill.planned_on)) as date) as quarter_on
        from {{ ref('fct_drill') }} as drill
        where drill.planned_on is not null
    )

select
    drills.quarter_on,
    scope.scope_code as division_code,
    drills.event_code,
    event.name_zh as event_zh,
    count(*) as planned_n,
    count(drills.held_on) as held_n,
    count(*) filter (where drills.held_on is null and drills.planned_on < {{ as_of() }}) as not_held_n,
    count(*) filter (where drills.held_on is not null and drills.is_live) as live_n,
    count(*) filter (where drills.held_on is not null and drills.is_unannounced) as unannounced_n,
    coalesce(sum(drills.participants_n) filter (where drills.held_on is not null), 0) as participants_n,
    coalesce(sum(drills.problems_n) filter (where drills.held_on is not null), 0) as problems_n,
    coalesce(sum(drills.problems_closed_n) filter (where drills.held_on is not null), 0) as problems_closed_n,
    cast(
        100.0
        * sum(drills.problems_closed_n) filter (where drills.held_on is not null)
        / nullif(sum(drills.problems_n) filter (where drills.held_on is not null), 0) as decimal(6, 2)
    ) as problems_closed_pct,
    count(*) filter (where drills.is_overstated) as overstated_n
from drills
inner join {{ ref('bridge_division_scope') }} as scope on drills.division_code = scope.division_code
left join {{ ref('plan_event') }} as event on drills.event_code = event.event_code
where drills.quarter_on <= {{ as_of() }}
group by drills.quarter_on, scope.scope_code, drills.event_code, event.name_zh
