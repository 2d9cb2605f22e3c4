select
    department.department_key,
    department.name_zh,
    department.name_en,
    coalesce(string_agg(alias.agency_code, '、' order by alias.agency_code), '') as aliases,
    department.level_no,
    department.parent_department_key,
    department.is_hotline_member,
    department.hotline_lines_n
from {{ ref('department') }} as department
left join {{ ref('department_alias') }} as alias on department.department_key = alias.department_key
group by all
