{{ config(enabled=fed_by(
    'grid', 'case', 'flood_depth_hour', 'component', 'site', 'equipment', 'estate', 'gas_check', 'command_lead', 'stock',
    'rescue_team', 'shelter', 'hazard', 'enterprise', 'inspection', 'business', 'police_incident',
    'fire_incident'
)) }}
with
    risks as (
        select risk.*
        from {{ ref('township_risk_daily') }} as risk
        where risk.date_on = (select max(newest.date_on) from {{ ref('township_risk_daily') }} as newest)
    ),

    stress as (
        select test.division_code, sum(test.loss * test.residents_n) / nullif(sum(test.residents_n), 0) as loss
        from {{ ref('stress_test_community') }} as test
        group by test.division_code
    ),

    shelters as (
        select shelter.division_code, sum(shelter.capacity_n) as n
        from {{ ref('dim_shelter') }} as shelter
        group by shelter.division_code
    ),

    stocks as (
        select stock.division_code, 100.0 * count(*) filter (where stock.quantity >= stock.min_stock) / count(*) as pct
        from {{ ref('fct_stock_snapshot') }} as stock
        where
            stock.min_stock is not null
            and stock.ds = (select max(newest.ds) from {{ ref('fct_stock_snapshot') }} as newest)
        group by stock.division_code
    ),

    teams as (
        select team.division_code, sum(coalesce(team.quantity, 0)) as n
        from {{ ref('dim_resource') }} as team
        inner join {{ ref('rescue_team_kind') }} as kind on team.resource_code = kind.resource_code
        group by team.division_code
    ),

    nearest as (
        select measure.division_code, min(measure.value) as metres
        from {{ ref('community_measure') }} as measure
        inner join
            (
                select resource.measure
                from {{ std_in_force('std_stress_resource', ['resource_code', 'valid_from']) }} as resource
                inner join {{ ref('rescue_team_kind') }} as kind on resource.resource_code = kind.resource_code
                order by resource.resource_code
                limit 1
            ) as general
            on measure.measure = general.measure
        group by measure.division_code
    ),

    workers as (
        select grid.division_code, sum(grid.full_time_n) as n
        from {{ ref('dim_grid') }} as grid
        where grid.is_current
        group by grid.division_code
    ),

    closed as (
        select
            hazard.division_code,
            cast(sum(date_diff('day', hazard.found_on, hazard.closed_on)) as double) / count(*) as days
        from {{ ref('fct_hazard_item') }} as hazard
        where
            hazard.closed_on > {{ as_of() }} - cast({{ threshold('resilience_window_days') }} as integer)
            and hazard.closed_on <= {{ as_of() }}
        group by hazard.division_code
    ),

    due as (
        select fact.division_code, 100.0 * count(*) filter (where fact.settled_at <= fact.deadline_at) / count(*) as pct
        from {{ ref('case_counted') }} as fact
        where
            fact.is_to_settle
            and fact.due_on > {{ as_of() }} - cast({{ threshold('resilience_window_days') }} as integer)
            and fact.due_on <= {{ as_of() }}
        group by fact.division_code
    ),

    wide as (
        select
            risks.division_code,
            cast(1000.0 * risks.hazard_weight / nullif(risks.residents_n, 0) as decimal(18, 6)) as hazards_per_1k,
            cast(stress.loss as decimal(18, 6)) as stress_loss,
            cast(risks.vulnerability_score as decimal(18, 6)) as vulnerability,
            cast(
                1000.0 * coalesce(shelters.n, 0) / nullif(risks.residents_n, 0) as decimal(18, 6)
            ) as shelter_places_per_1k,
            cast(coalesce(stocks.pct, 0) as decimal(18, 6)) as stock_met_pct,
            cast(10000 * coalesce(teams.n, 0) / nullif(risks.residents_n, 0) as decimal(18, 6)) as rescuers_per_10k,
            cast(10000 * coalesce(workers.n, 0) / nullif(risks.residents_n, 0) as decimal(18, 6)) as workers_per_10k,
            cast(nearest.metres as decimal(18, 6)) as nearest_team_m,
            cast(closed.days as decimal(18, 6)) as hazard_close_days,
            cast(due.pct as decimal(18, 6)) as case_on_time_pct
        from risks
        left join stress on risks.division_code = stress.division_code
        left join shelters on risks.division_code = shelters.division_code
        left join stocks on risks.division_code = stocks.division_code
        left join teams on risks.division_code = teams.division_code
        left join nearest on risks.division_code = nearest.division_code
        left join workers on risks.division_code = workers.division_code
        left join closed on risks.division_code = closed.division_code
        left join due on risks.division_code = due.division_code
    ),

    measured as (unpivot wide on columns(* exclude (division_code)) into name item_key value value)

select townships.division_code, item.item_key, item.pillar, item.is_good, measured.value
from (select wide.division_code from wide) as townships
cross join {{ std_in_force('std_resilience_item', ['item_key', 'valid_from']) }} as item
left join measured on townships.division_code = measured.division_code and item.item_key = measured.item_key
