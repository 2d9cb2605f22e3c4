{{ config(enabled=fed_by(
    'hazard', 'enterprise', 'inspection', 'business', 'case', 'police_incident', 'fire_incident', 'command_lead', 'grid'
)) }}
with
    registered as (
        select
            grid.division_code,
            count(*) as grids_n,
            cast(sum(grid.residents_n) as bigint) as residents_n,
            cast(sum(grid.elderly80_n) as bigint) as elderly80_n,
            cast(sum(grid.floating_n) as bigint) as floating_n,
            sum(grid.area_km2) as area_km2
        from {{ ref('dim_grid') }} as grid
        where grid.is_current
        group by grid.division_code
    ),

    -- Out of the amounts, not out of the grids' scores: what lies in no known grid of the township counts as well.
    amounts as (
        select
            amount.date_on,
            amount.division_code,
            cast(sum(amount.open_hazards_n) as bigint) as open_hazards_n,
            cast(sum(amount.major_hazards_n) as bigint) as major_hazards_n,
            sum(amount.hazard_weight) as hazard_weight,
            cast(sum(amount.events_n) as bigint) as events_n,
            cast(sum(amount.open_leads_n) as bigint) as open_leads_n,
            cast(sum(amount.events_n) filter (where amount.grid_id is null) as bigint) as events_without_grid_n
        from {{ ref('place_risk_amount') }} as amount
        group by amount.date_on, amount.division_code
    ),

    places as (
        select
            amounts.*,
            amounts.division_code as place_code,
            registered.grids_n,
            registered.residents_n,
            registered.elderly80_n,
            registered.floating_n,
            registered.area_km2,
            cast(amounts.hazard_weight / registered.grids_n as decimal(18, 6)) as hazard_amount,
            cast(cast(amounts.open_leads_n as decimal(18, 6)) / registered.grids_n as decimal(18, 6)) as lead_amount
        from amounts
        inner join registered on amounts.division_code = registered.division_code
    ),

    judged as ({{ place_risk('places', 'township_full_at') }}),

    grids as (
        select
            grid.date_on,
            grid.division_code,
            count(*) filter (where level.order_no = 1) as red_grids_n,
            count(*) filter (where level.order_no <= 2) as red_orange_grids_n,
            max(grid.risk_score) as worst_grid_score,
            arg_max(grid.grid_id, grid.risk_score order by grid.grid_id) as worst_grid_id
        from {{ ref('grid_risk_daily') }} as grid
        inner join
            (
                select level.level_no, row_number() over (order by level.level_no) as order_no
                from {{ std_in_force('std_place_risk_level', ['level_no', 'valid_from']) }} as level
            ) as level
            on grid.level_no = level.level_no
        group by grid.date_on, grid.division_code
    )

select
    judged.date_on,
    judged.division_code,
    judged.residents_n,
    judged.grids_n,
    judged.open_hazards_n,
    judged.major_hazards_n,
    cast(judged.hazard_weight as decimal(18, 3)) as hazard_weight,
    judged.events_n as events_90d_n,
    coalesce(judged.events_without_grid_n, 0) as events_without_grid_n,
    judged.event_amount as eb_events_per_1k,
    judged.open_leads_n,
    judged.hazard_score,
    judged.event_score,
    judged.lead_score,
    judged.vulnerability_score,
    judged.risk_score,
    judged.city_percentile,
    judged.level_no,
    judged.rank_no,
    coalesce(grids.red_grids_n, 0) as red_grids_n,
    coalesce(grids.red_orange_grids_n, 0) as red_orange_grids_n,
    grids.worst_grid_score,
    grids.worst_grid_id
from judged
left join grids on judged.date_on = grids.date_on and judged.division_code = grids.division_code
