{{ config(enabled=fed_by(
    'enterprise', 'hazard', 'major_hazard_day', 'equipment', 'business', 'site', 'dangerous_building', 'inspection'
)) }}
select
    span.risk_key as hazard_key,
    span.risk_kind as hazard_kind,
    span.object_no,
    span.enterprise_key,
    case when span.method = gb.method then span.score end as r_value,
    case when span.method <> gb.method then span.score end as lec_score,
    span.level_no,
    gate.gate,
    owner.department_key,
    replace(owner.cooperating_department_keys, ' ', '、') as cooperating_departments,
    kind.measure_zh as measure,
    cast(span.from_on + kind.review_days as date) as review_due_on,
    span.from_on as valid_from_on,
    span.to_on as valid_to_on
from {{ ref('fct_risk_span') }} as span
inner join {{ ref('risk_kind') }} as kind on span.risk_kind = kind.risk_kind
left join {{ ref('risk_gate') }} as gate on kind.gate_key = gate.gate_key
left join {{ ref('risk_owner') }} as owner on span.risk_kind = owner.risk_kind
cross join (select 'GB18218' as method) as gb
