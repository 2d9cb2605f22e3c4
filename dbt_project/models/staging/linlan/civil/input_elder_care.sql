select
    care.record_no as care_no,
    care.flat_no as address_no,
    place.division_code,
    coalesce(number.grid_id, care.grid_id) as grid_id,
    case when care.age > 0 and care.age <= {{ threshold('care_age_at_most') }} then care.age end as age_years,
    care.is_alone,
    care.level,
    {{ known_date('care.last_visit_on') }} as last_visit_on,
    care.visitor_dept as visitor_zh,
    care.device_no,
    care.allowance_stopped_on,
    level.visit_every_days,
    care.ds as delivered_on,
    care._landed_at as landed_at,
    care._file as file_name,
    care._record as record_no
from {{ source('lake', 'civil__elder_care') }} as care
left join {{ ref('care_level') }} as level on care.level = level.source_value
left join {{ ref('stg_division_code') }} as place on care.township_code = place.code
left join {{ ref('bridge_grid_number') }} as number on care.grid_id = number.stated_grid_id
