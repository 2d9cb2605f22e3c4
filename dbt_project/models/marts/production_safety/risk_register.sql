{{ config(enabled=fed_by('enterprise', 'hazard', 'inspection', 'business', 'major_hazard_day', 'accident', 'equipment', 'site', 'dangerous_building', 'market_complaint')) }}
with
    standing as (
        select
            span.*,
            min(span.from_on) over (partition by span.risk_key) as first_on,
            row_number() over (partition by span.risk_key order by span.from_on desc) as newest_no
        from {{ ref('fct_risk_span') }} as span
    )

select
    {{ as_of() }} as as_of_on,
    standing.risk_key,
    list.list_zh,
    kind.risk_kind_zh,
    standing.object_no,
    standing.enterprise_key,
    enterprise.enterprise_name,
    standing.division_code,
    owner.field_key,
    kind.ops_mode,
    standing.method,
    standing.score,
    standing.level_no,
    colour.warning_colour_zh as colour_zh,
    gate.gate,
    owner.department_key,
    lead_department.name_zh as department_zh,
    (
        select string_agg(department.name_zh, '、' order by department.name_zh)
        from {{ ref('dim_department') }} as department
        where list_contains(string_split(owner.cooperating_department_keys, ' '), department.department_key)
    ) as cooperating_departments,
    kind.measure_zh,
    standing.first_on as listed_on,
    standing.from_on as level_since_on,
    cast({{ as_of() }} - standing.first_on as integer) as listed_days,
    cast(standing.from_on + kind.review_days as date) as review_due_on,
    standing.from_on + kind.review_days < {{ as_of() }} as is_review_overdue,
    standing.is_decided,
    -- Nobody answers for it: no department, or an enterprise that is cancelled or in no register.
    owner.department_key is null
    or (standing.enterprise_key is not null and not coalesce(enterprise.is_active, false)) as is_orphan,
    -- The fields of the list that must be filled in.
    cast(
        100.0 * (
            cast(standing.division_code is not null as integer)
            + cast(owner.department_key is not null as integer)
            + cast(owner.cooperating_department_keys is not null as integer)
            + cast(kind.measure_zh is not null as integer)
            + cast(standing.level_no is not null as integer)
            + cast(owner.field_key is not null as integer)
            + cast(kind.review_days is not null as integer)
        )
        / len(['division', 'lead', 'cooperating', 'measure', 'level', 'field', 'review']) as decimal(6, 2)
    ) as completeness_pct
from standing
inner join {{ ref('risk_kind') }} as kind on standing.risk_kind = kind.risk_kind
inner join {{ ref('risk_list') }} as list on standing.list_key = list.list_key
left join {{ ref('risk_owner') }} as owner on standing.risk_kind = owner.risk_kind
left join {{ ref('dim_department') }} as lead_department on owner.department_key = lead_department.department_key
left join {{ ref('dim_enterprise') }} as enterprise on standing.enterprise_key = enterprise.enterprise_key
left join {{ ref('std_event_level') }} as colour on standing.level_no = colour.level_no
left join {{ ref('risk_gate') }} as gate on kind.gate_key = gate.gate_key
where standing.newest_no = 1 and (standing.to_on is null or standing.to_on > {{ as_of() }})
