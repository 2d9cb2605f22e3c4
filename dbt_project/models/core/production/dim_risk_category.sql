{{ config(enabled=fed_by('risk_field')) }}
select
    category.risk_category_key,
    category.field_key,
    category.ops_mode,
    category.risk_class,
    category.default_method,
    field.department_key as default_department_key,
    category.valid_from as valid_from_on,
    category.valid_to as valid_to_on,
    category.name_zh
from {{ std('std_risk_category', ['risk_category_key']) }} as category
left join {{ ref('dim_risk_field') }} as field on category.field_key = field.field_key
