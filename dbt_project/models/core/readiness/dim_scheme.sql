{{ config(enabled=fed_by('grid')) }}
select 'pingan' as scheme_key, item.item_key, item.name_zh, item.weight, item.indicators as indicator_id, item.is_veto
from {{ std_in_force('std_pingan_item', ['item_key']) }} as item
union all
select
    score.scheme as scheme_key,
    score.part_code as item_key,
    max(coalesce(citymgmt.name_zh, hotline.name_zh)) as name_zh,
    cast(score.weight * 100.0 as decimal(6, 2)) as weight,
    score.part_code as indicator_id,
    false as is_veto
from {{ std_in_force('std_score_scheme', ['scheme', 'part_code']) }} as score
left join
    {{ std_in_force('std_citymgmt_indicator', ['code', 'variant']) }} as citymgmt on score.part_code = citymgmt.code
left join {{ std_in_force('std_hotline_indicator', ['code', 'variant']) }} as hotline on score.part_code = hotline.code
group by score.scheme, score.part_code, score.weight
