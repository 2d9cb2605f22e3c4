select
    probe.module_no,
    place.division_code as probe_division_code,
    probe.day_on as date_on,
    probe.system_name as system_zh,
    probe.module_name as module_zh,
    probe.availability_pct,
    probe.checked_n,
    probe.response_ms,
    probe.ds as delivered_on,
    probe._landed_at as landed_at,
    probe._file as file_name,
    probe._record as record_no
from {{ source('lake', 'tourism__module_day') }} as probe
left join {{ ref('stg_division_code') }} as place on probe.probe_code = place.code
