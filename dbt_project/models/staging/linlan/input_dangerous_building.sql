with
    delivered as (
        select building.*
        from {{ source('lake', 'housing__dangerous_building') }} as building
        where not coalesce(building._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('housing|' || delivered.building_no) as building_key,
    delivered.building_no,
    delivered.address_key,
    grade_map.danger_grade,
    delivered.appraised_on,
    delivered.built_year,
    delivered.floors_n,
    lived_in.is_yes as is_lived_in,
    trim(delivered.measure) as measure_zh,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('building_grade') }} as grade_map on trim(delivered.grade) = grade_map.source_value
left join {{ ref('yes_no') }} as lived_in on trim(delivered.is_lived_in) = lived_in.source_value
left join stated on delivered.area_code = stated.area_code
