select
    sample.section_no,
    sample.item,
    sample.sampled_on,
    sample.hour as hour_no,
    {{ instant_of('cast(sample.sampled_on as timestamp) + to_hours(sample.hour)') }} as sampled_at,
    sample.section_name,
    sample.river,
    sample.target_class as target_class_no,
    place.division_code,
    sample.value,
    sample.flag is null or coalesce(flag.is_valid, false) as is_valid,
    sample.ds as delivered_on,
    sample._landed_at as landed_at,
    sample._file as file_name,
    sample._record as record_no
from {{ source('lake', 'environment__water_section') }} as sample
left join {{ ref('stg_division_code') }} as place on sample.township_code = place.code
left join {{ ref('measurement_flag') }} as flag on sample.flag = flag.source_value
