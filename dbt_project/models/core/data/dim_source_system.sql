{{ config(enabled=fed_by('source_system')) }}
select
    system.source_id,
    system.department_key,
    system.technology,
    system.mode,
    system.sla_hour,
    system.contract_version,
    system.contact_role,
    system.data_class,
    system.valid_from as valid_from_on,
    system.valid_to as valid_to_on,
    system.name_zh
from {{ ref('input_source_system') }} as system
