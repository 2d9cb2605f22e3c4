select
    hour.outlet_no as outfall_no,
    hour.item as pollutant,
    hour.measured_on,
    hour.hour as hour_no,
    hour.uscc,
    place.division_code,
    hour.medium as medium_zh,
    hour.value,
    hour.limit_value,
    hour.unit,
    hour.flow as flow_m3h,
    coalesce(state.is_stopped, false) as is_stopped,
    -- No flag is a valid value; a flag that nobody knows is none.
    hour.flag is null or coalesce(flag.is_valid, false) as is_valid,
    hour.ds as delivered_on,
    hour._landed_at as landed_at,
    hour._file as file_name,
    hour._record as record_no
from {{ source('lake', 'environment__emission_hour') }} as hour
left join {{ ref('stg_division_code') }} as place on hour.township_code = place.code
left join {{ ref('measurement_flag') }} as flag on hour.flag = flag.source_value
left join {{ ref('plant_state') }} as state on hour.state = state.source_value
