select
    alarm.alarm_no,
    alarm.alarm_at,
    {{ civil_date('alarm.alarm_at') }} as alarmed_on,
    alarm.app_no,
    kind.kind_zh,
    alarm.device_no,
    alarm.building_no,
    alarm.flat_no as address_no,
    alarm.floor as floor_no,
    place.division_code,
    coalesce(number.grid_id, alarm.grid_id) as grid_id,
    coalesce(kind.is_lift, false) as is_lift,
    coalesce(kind.is_heat, false) as is_heat,
    coalesce(kind.is_offline, false) as is_offline,
    coalesce(result.is_real, false) as is_real,
    coalesce(result.is_false, false) as is_false,
    -- Handled before it rang: the clock of the system is not known.
    case when alarm.handled_at >= alarm.alarm_at then alarm.handled_at end as handled_at,
    alarm.handled_at is not null as is_handled,
    alarm.ds as delivered_on,
    alarm._landed_at as landed_at,
    alarm._file as file_name,
    alarm._record as record_no
from {{ source('lake', 'smart__alarm') }} as alarm
inner join {{ ref('smart_alarm_kind') }} as kind on alarm.kind = kind.source_value
left join {{ ref('smart_alarm_result') }} as result on alarm.result = result.source_value
left join {{ ref('stg_division_code') }} as place on alarm.township_code = place.code
left join {{ ref('bridge_grid_number') }} as number on alarm.grid_id = number.stated_grid_id
