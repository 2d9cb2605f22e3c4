{{ config(enabled=fed_by('response_module')) }}
select module.module_key, module.name_zh, module.department_key
from {{ ref('input_response_module') }} as module
