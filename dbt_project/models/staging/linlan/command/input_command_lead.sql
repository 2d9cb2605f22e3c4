with
    delivered as (select source.* from {{ source('lake', 'command__lead') }} as source),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('lead|' || lead.lead_id) as lead_key,
    lead.lead_id,
    -- An older version of the platform wrote w-052 for W052.
    upper(replace(lead.model_id, '-', '')) as model_id,
    lead_subject.subject_kind,
    lead.subject_no,
    md5(lead_subject.subject_kind || '|' || lead.subject_no) as subject_key,
    lead.grid_id,
    colour.level_no,
    coalesce(alias.department_key, unit.department_key, unknown.department_key) as department_key,
    lead.pushed_at,
    lead.due_at,
    lead.accepted_at,
    lead.verified_at,
    lead_result.result,
    coalesce(lead_result.is_confirmed, false) as is_confirmed,
    coalesce(lead_result.is_false, false) as is_false,
    coalesce(lead_result.is_unverifiable, false) as is_unverifiable,
    lead.closed_at,
    lead.updated_at as version_at,

    coalesce(stated.division_code, root.division_code) as division_code,
    lead.ds as delivered_on,
    lead._landed_at as landed_at,
    lead._file as file_name,
    lead._record as record_no
from delivered as lead
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on lead.area_code = stated.area_code
left join {{ ref('lead_subject') }} as lead_subject on lead.subject_kind = lead_subject.source_kind
left join {{ ref('colour') }} as colour on lead.severity = colour.source_colour
left join {{ ref('department_alias') }} as alias on lead.recipient_unit = alias.agency_name
left join {{ ref('warning_recipient') }} as unit on lead.recipient_unit = unit.recipient_zh
inner join {{ ref('department') }} as unknown on unknown.is_default
left join {{ ref('lead_result') }} as lead_result on lead.result = lead_result.source_result
