select
    md5('step|' || step.step_id) as step_key,
    md5('instruction|' || step.instr_id) as instruction_key,
    step.seq_no as step_no,
    stage.stage,
    stage.stage_no,
    coalesce(alias.department_key, unit.department_key, unknown.department_key) as department_key,
    step.started_at,
    -- A time that was set back by hand: the row was written when the step was really done.
    case when step.finished_at < step.started_at then step.updated_at else step.finished_at end as ended_at,
    coalesce(step.finished_at < step.started_at, false) as is_back_dated,
    step.updated_at as version_at,
    step.ds as delivered_on,
    step._landed_at as landed_at,
    step._file as file_name,
    step._record as record_no
from {{ source('lake', 'command__step') }} as step
left join {{ ref('department_alias') }} as alias on step.actor_unit = alias.agency_name
left join {{ ref('warning_recipient') }} as unit on step.actor_unit = unit.recipient_zh
inner join {{ ref('department') }} as unknown on unknown.is_default
left join {{ ref('instruction_stage') }} as stage on step.stage = stage.source_stage
