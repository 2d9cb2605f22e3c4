select city.line_key, city.number_text, city.name_zh, city.department_key, city.merged_on, city.merge_form
from {{ ref('hotline_line') }} as city
