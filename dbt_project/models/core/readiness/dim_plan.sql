{{ config(enabled=fed_by('plan')) }}
with newest as (select max(register.delivered_on) as delivered_on from {{ ref('input_plan') }} as register)

select
    plan.plan_key,
    plan.version_no,
    plan.plan_no,
    plan.name_zh,
    plan.event_code,
    plan.response_level_no as level_no,
    plan.division_code,
    plan.lead_department_key,
    plan.department_key,
    plan.stage,
    coalesce(plan.revised_on, plan.issued_on) as published_on,
    -- A day that is missing follows from the rule by which the others were set.
    coalesce(
        plan.review_due_on,
        coalesce(plan.revised_on, plan.issued_on) + cast({{ threshold('plan_review_days') }} as integer)
    ) as review_due_on,
    plan.has_extreme_annex,
    coalesce(plan.revised_on, plan.issued_on) as valid_from_on,
    cast(null as date) as valid_to_on
from {{ ref('input_plan') }} as plan
inner join newest on plan.delivered_on = newest.delivered_on
