{{ config(enabled=fed_by('grid')) }}
select
    'center_' || division.division_code as center_key,
    division.name_zh || center_level.name_suffix_zh as name_zh,
    division.level_no,
    'center_' || division.parent_code as parent_center_key,
    division.division_code
from {{ ref('division') }} as division
inner join
    {{ std_in_force('std_center_level', ['level_no']) }} as center_level on division.level_no = center_level.level_no
