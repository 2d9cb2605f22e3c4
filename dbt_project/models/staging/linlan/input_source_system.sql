select
    city.source_id,
    city.name_zh,
    city.department_key,
    city.technology,
    city.mode,
    city.sla_hour,
    city.contract_version,
    city.contact_role,
    city.data_class,
    city.valid_from,
    city.valid_to
from {{ ref('source_system') }} as city
