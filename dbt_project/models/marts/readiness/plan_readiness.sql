{{ config(enabled=fed_by('plan', 'grid')) }}
with
    cells as (
        select residents.division_code, required.event_code, required.response_level_no
        from {{ ref('division_residents') }} as residents
        inner join {{ ref('division') }} as division on residents.division_code = division.division_code
        inner join {{ ref('plan_required') }} as required on division.level_no = required.division_level_no
    )

select
    cells.division_code,
    cells.event_code,
    event.name_zh as event_zh,
    cells.response_level_no,
    coalesce(plan.lead_department_key, event.lead_department_key) as department_key,
    plan.plan_key is not null as has_plan,
    plan.plan_no,
    plan.version_no,
    plan.published_on,
    plan.review_due_on,
    {{ as_of() }} - plan.published_on as age_days,
    coalesce(plan.review_due_on < {{ as_of() }}, false) as is_overdue,
    coalesce(plan.has_extreme_annex, false) as has_extreme_annex,
    plan.plan_key is null or plan.review_due_on < {{ as_of() }} as is_gap
from cells
inner join {{ ref('plan_event') }} as event on cells.event_code = event.event_code
left join
    {{ ref('dim_plan') }} as plan
    on cells.division_code = plan.division_code
    and cells.event_code = plan.event_code
    and cells.response_level_no = plan.level_no
