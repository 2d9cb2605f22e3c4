{{ config(enabled=fed_by('risk_field')) }}
select field.field_key, field.name_zh, field.department_key, field.is_applicable, field.order_no
from {{ ref('input_risk_field') }} as field
