{{ config(enabled=fed_by('hotline_line')) }}
select line.line_key, line.number_text, line.department_key, line.merged_on, line.merge_form, line.name_zh
from {{ ref('input_hotline_line') }} as line
