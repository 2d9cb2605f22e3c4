{{ config(enabled=fed_by(
    'case', 'grid', 'police_incident', 'fire_incident', 'ems_call', 'rescue_team', 'stock', 'shelter'
)) }}
{%- set calls = [('fct_police_incident', 'called_on'), ('fct_fire_incident', 'alarmed_on'), ('fct_ems_call', 'called_on')] %}
with
    residents as (
        select
            residents.division_code,
            residents.resident_population_n as residents_n,
            residents.elderly80_n,
            residents.floating_n,
            residents.full_time_n
        from {{ ref('division_residents') }} as residents
    ),

    tasks as (
        select bridge.scope_code as division_code, count(*) as n
        from {{ ref('case_counted') }} as fact
        inner join {{ ref('bridge_division_scope') }} as bridge on fact.division_code = bridge.division_code
        where
            fact.is_to_settle
            and fact.created_on > {{ as_of() }} - cast({{ threshold('supply_demand_days') }} as integer)
            and fact.created_on <= {{ as_of() }}
        group by bridge.scope_code
    ),

    calls as (
        {% for relation, day in calls -%}
            select fact.division_code, fact.{{ day }} as day_on
            from {{ ref(relation) }} as fact {{ 'union all' if not loop.last }}
        {% endfor %}
    ),

    called as (
        select bridge.scope_code as division_code, count(*) as n
        from calls
        inner join {{ ref('bridge_division_scope') }} as bridge on calls.division_code = bridge.division_code
        where
            calls.day_on > {{ as_of() }} - cast({{ threshold('supply_demand_days') }} as integer)
            and calls.day_on <= {{ as_of() }}
        group by bridge.scope_code
    ),

    teams as (
        select bridge.scope_code as division_code, cast(sum(coalesce(team.quantity, 0)) as bigint) as n
        from {{ ref('dim_resource') }} as team
        inner join {{ ref('rescue_team_kind') }} as kind on team.resource_code = kind.resource_code
        inner join {{ ref('bridge_division_scope') }} as bridge on team.division_code = bridge.division_code
        group by bridge.scope_code
    ),

    shelters as (
        select bridge.scope_code as division_code, cast(sum(shelter.capacity_n) as bigint) as n
        from {{ ref('dim_shelter') }} as shelter
        inner join {{ ref('bridge_division_scope') }} as bridge on shelter.division_code = bridge.division_code
        group by bridge.scope_code
    ),

    far as (
        select bridge.scope_code as division_code, cast(sum(grid.residents_n) as bigint) as n
        from {{ ref('grid_shelter') }} as grid
        inner join {{ ref('bridge_division_scope') }} as bridge on grid.division_code = bridge.division_code
        where not grid.is_near
        group by bridge.scope_code
    ),

    stocks as (
        select bridge.scope_code as division_code, count(*) filter (where stock.quantity >= stock.min_stock) as n
        from {{ ref('fct_stock_snapshot') }} as stock
        inner join {{ ref('bridge_division_scope') }} as bridge on stock.division_code = bridge.division_code
        where stock.ds = (select max(newest.ds) from {{ ref('fct_stock_snapshot') }} as newest)
        group by bridge.scope_code
    ),

    amounts as (
        select
            residents.division_code,
            'grid' as subject_key,
            coalesce(tasks.n, 0) as demand_n,
            coalesce(residents.full_time_n, 0) as supply_n
        from residents
        left join tasks on residents.division_code = tasks.division_code
        union all
        select
            residents.division_code,
            'rescue' as subject_key,
            coalesce(called.n, 0) as demand_n,
            coalesce(teams.n, 0) as supply_n
        from residents
        left join called on residents.division_code = called.division_code
        left join teams on residents.division_code = teams.division_code
        union all
        select
            residents.division_code,
            'shelter' as subject_key,
            coalesce(far.n, 0) as demand_n,
            coalesce(shelters.n, 0) as supply_n
        from residents
        left join far on residents.division_code = far.division_code
        left join shelters on residents.division_code = shelters.division_code
        union all
        select
            residents.division_code,
            'relief' as subject_key,
            coalesce(residents.elderly80_n, 0) + coalesce(residents.floating_n, 0) as demand_n,
            coalesce(stocks.n, 0) as supply_n
        from residents
        left join stocks on residents.division_code = stocks.division_code
    ),

    placed as (
        select
            amounts.*,
            residents.residents_n,
            division.level_no,
            cast(
                100.0 * percent_rank() over (
                    partition by amounts.subject_key, division.level_no
                    order by cast(10000 * amounts.demand_n / nullif(residents.residents_n, 0) as decimal(18, 4))
                ) as decimal(5, 1)
            ) as demand_percentile,
            cast(
                100.0 * percent_rank() over (
                    partition by amounts.subject_key, division.level_no
                    order by cast(10000 * amounts.supply_n / nullif(residents.residents_n, 0) as decimal(18, 4))
                ) as decimal(5, 1)
            ) as supply_percentile
        from amounts
        inner join residents on amounts.division_code = residents.division_code
        inner join {{ ref('dim_admin_division') }} as division on amounts.division_code = division.division_code
    )

select
    {{ as_of() }} as as_of_on,
    placed.division_code,
    placed.subject_key,
    subject.name_zh as subject_zh,
    subject.demand_zh,
    subject.supply_zh,
    placed.residents_n,
    cast(placed.demand_n as bigint) as demand_n,
    cast(placed.supply_n as bigint) as supply_n,
    cast(10000 * placed.demand_n / nullif(placed.residents_n, 0) as decimal(18, 2)) as demand_per_10k,
    cast(10000 * placed.supply_n / nullif(placed.residents_n, 0) as decimal(18, 2)) as supply_per_10k,
    cast(cast(placed.demand_n as double) / nullif(placed.supply_n, 0) as decimal(18, 2)) as demand_per_supply,
    placed.demand_percentile,
    placed.supply_percentile,
    cast(placed.demand_percentile - placed.supply_percentile as decimal(5, 1)) as gap_points,
    placed.supply_n = 0
    or placed.demand_percentile - placed.supply_percentile >= {{ threshold('supply_gap_points') }} as is_gap
from placed
inner join
    {{ std_in_force('std_supply_demand', ['subject_key', 'valid_from']) }} as subject
    on placed.subject_key = subject.subject_key
