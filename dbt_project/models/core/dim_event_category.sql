select
    category.category_key,
    category.event_code,
    category.name_zh,
    category.name_en,
    category.source_system,
    category.level1_zh,
    category.level2_zh,
    cast(null as varchar) as level3_zh,
    category.name_zh as level4_zh
from {{ ref('category') }} as category
union all
select
    'standard.' || standard.event_code as category_key,
    standard.event_code,
    standard.name_zh,
    cast(null as varchar) as name_en,
    'standard' as source_system,
    standard.level1_zh,
    standard.level2_zh,
    standard.level3_zh,
    cast(null as varchar) as level4_zh
from {{ ref('std_event_category') }} as standard
where standard.valid_from <= {{ as_of() }} and (standard.valid_to is null or {{ as_of() }} < standard.valid_to)
