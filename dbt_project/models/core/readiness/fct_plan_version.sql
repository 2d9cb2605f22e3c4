{{ config(enabled=fed_by('plan')) }}
select
    plan.plan_key,
    plan.version_no,
    arg_max(plan.stage, plan.delivered_on) as stage,
    min(coalesce(plan.revised_on, plan.issued_on)) as staged_on,
    arg_max(plan.department_key, plan.delivered_on) as department_key
from {{ ref('input_plan') }} as plan
group by plan.plan_key, plan.version_no
