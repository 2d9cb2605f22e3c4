{{ config(enabled=fed_by(
    'grid', 'case', 'flood_depth_hour', 'component', 'site', 'equipment', 'estate', 'gas_check', 'command_lead', 'stock',
    'rescue_team', 'shelter', 'hazard', 'enterprise', 'inspection', 'business', 'police_incident',
    'fire_incident'
)) }}
select
    {{ as_of() }} as as_of_on,
    found.division_code,
    found.item_key,
    item.name_zh as item_zh,
    found.pillar,
    item.pillar_zh,
    item.is_good as is_higher_better,
    found.value,
    found.is_imputed,
    found.normalised,
    found.entropy_weight,
    found.item_weight,
    found.pillar_weight,
    found.consistency_ratio,
    found.pillar_score,
    found.index_score,
    found.rank_no,
    found.rank_best_no,
    found.rank_worst_no
from {{ ref('method_resilience_index') }} as found
inner join
    {{ std_in_force('std_resilience_item', ['item_key', 'valid_from']) }} as item on found.item_key = item.item_key
