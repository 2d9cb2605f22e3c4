with
    delivered as (select source.* from {{ source('lake', 'command__instruction') }} as source),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('instruction|' || instruction.instr_id) as instruction_key,
    instruction.instr_id,
    case when instruction.lead_id is not null then md5('lead|' || instruction.lead_id) end as lead_key,
    instruction.title as title_zh,
    colour.level_no,
    coalesce(alias.department_key, unit.department_key, unknown.department_key) as department_key,
    instruction.units_n,
    instruction.created_at,
    instruction.issued_at,
    instruction.due_at,
    stage.stage,
    stage.stage_no,
    stage.is_open,
    instruction.finished_at,
    instruction.rechecked_at,
    yes_no.is_yes as is_passed,
    instruction.updated_at as version_at,

    coalesce(stated.division_code, root.division_code) as division_code,
    instruction.ds as delivered_on,
    instruction._landed_at as landed_at,
    instruction._file as file_name,
    instruction._record as record_no
from delivered as instruction
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on instruction.area_code = stated.area_code
left join {{ ref('colour') }} as colour on instruction.level = colour.source_colour
left join {{ ref('department_alias') }} as alias on instruction.main_unit = alias.agency_name
left join {{ ref('warning_recipient') }} as unit on instruction.main_unit = unit.recipient_zh
inner join {{ ref('department') }} as unknown on unknown.is_default
left join {{ ref('instruction_stage') }} as stage on instruction.stage = stage.source_stage
left join {{ ref('yes_no') }} as yes_no on instruction.is_passed = yes_no.source_value
