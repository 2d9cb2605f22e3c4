select city.field_key, city.name_zh, city.department_key, city.is_applicable, city.order_no
from {{ ref('risk_field') }} as city
