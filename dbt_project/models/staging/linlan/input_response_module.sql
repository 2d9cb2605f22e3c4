select city.module_key, city.name_zh, city.department_key from {{ ref('response_module') }} as city
