{{ config(
    enabled=fed_by(
        'enterprise', 'hazard', 'major_hazard_day', 'equipment', 'business', 'site', 'dangerous_building', 'inspection'
    ),
    materialized='view'
) }}
-- A view: the spans say it all, and a row a risk and day would only repeat them.
select
    span.risk_key,
    day.date_on,
    owner.field_key,
    span.risk_kind,
    span.list_key,
    span.division_code,
    span.level_no,
    span.score,
    owner.department_key,
    'open' as status,
    cast(span.from_on + kind.review_days as date) as review_due_on
from {{ ref('fct_risk_span') }} as span
inner join
    {{ ref('dim_date') }} as day
    on day.date_on >= span.from_on
    and day.date_on <= {{ as_of() }}
    and (span.to_on is null or day.date_on < span.to_on)
inner join {{ ref('risk_kind') }} as kind on span.risk_kind = kind.risk_kind
left join {{ ref('risk_owner') }} as owner on span.risk_kind = owner.risk_kind
