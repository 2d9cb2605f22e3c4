{{ config(enabled=fed_by(
    'hazard', 'enterprise', 'inspection', 'business', 'case', 'police_incident', 'fire_incident', 'command_lead', 'grid'
)) }}
with
    places as (
        select
            amount.date_on,
            amount.place_code,
            amount.division_code,
            grid.name_zh,
            amount.open_hazards_n,
            amount.major_hazards_n,
            amount.hazard_weight,
            amount.hazard_weight as hazard_amount,
            amount.events_n,
            amount.open_leads_n,
            amount.open_leads_n as lead_amount,
            grid.residents_n,
            grid.elderly80_n,
            grid.floating_n,
            grid.area_km2
        from {{ ref('place_risk_amount') }} as amount
        inner join {{ ref('dim_grid') }} as grid on amount.grid_id = grid.grid_id and grid.is_current
    ),

    judged as ({{ place_risk('places', 'grid_full_at') }})

select
    judged.date_on,
    judged.place_code as grid_id,
    judged.name_zh as grid_name,
    judged.division_code,
    judged.residents_n,
    judged.open_hazards_n,
    judged.major_hazards_n,
    cast(judged.hazard_weight as decimal(18, 3)) as hazard_weight,
    judged.events_n as events_90d_n,
    judged.event_amount as eb_events_per_1k,
    judged.open_leads_n,
    judged.hazard_score,
    judged.event_score,
    judged.lead_score,
    judged.vulnerability_score,
    judged.risk_score,
    judged.city_percentile,
    judged.level_no,
    judged.rank_no
from judged
