with
    delivered as (select source.* from {{ source('lake', 'readiness__plan') }} as source),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('plan|' || plan.plan_no) as plan_key,
    plan.plan_no,
    plan.version_label,
    cast(regexp_extract(plan.version_label, '(\d+)', 1) as integer) as version_no,
    plan.plan as name_zh,
    -- An old table wrote the letter O for the digit.
    replace(plan.event_code, 'O', '0') as event_code,
    response_level.level_no as response_level_no,
    coalesce(plan_event.lead_department_key, plan.department_key) as lead_department_key,
    plan.department_key,
    plan.stage,
    plan.issued_on,
    {{ known_instant('plan.revised_on') }} as revised_on,
    plan.review_due_on,
    plan.has_extreme_annex,

    coalesce(stated.division_code, root.division_code) as division_code,
    plan.ds as delivered_on,
    plan._landed_at as landed_at,
    plan._file as file_name,
    plan._record as record_no
from delivered as plan
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on plan.area_code = stated.area_code
left join {{ ref('response_level') }} as response_level on plan.response_level = response_level.source_level
left join {{ ref('plan_event') }} as plan_event on replace(plan.event_code, 'O', '0') = plan_event.event_code
