{{ config(enabled=fed_by('grid')) }}
select
    type.class_code as component_type_key,
    type.name_zh,
    class.name_zh as class_zh,
    cast(null as varchar) as department_key
from {{ std_in_force('std_citymgmt_class', ['class_code', 'thing_zh']) }} as type
inner join
    {{ std_in_force('std_citymgmt_class', ['class_code', 'thing_zh']) }} as class
    on type.parent_code = class.class_code
    and type.thing_zh = class.thing_zh
