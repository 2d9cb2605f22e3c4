with
    delivered as (select vehicle.* from {{ source('lake', 'traffic_police__vehicle') }} as vehicle),

    stated as ({{ divisions_stated('delivered') }})

select
    delivered.vehicle_no,
    -- The register of a month is as of its last day.
    last_day(delivered.ds) as register_on,
    coalesce(kind.kind_key, 'other') as vehicle_kind_key,
    coalesce(kind.is_motor, true) as is_motor,
    coalesce(kind.is_heavy, false) as is_heavy,
    coalesce(usage.is_coach, false) as is_coach,
    coalesce(usage.is_hazmat, false) as is_hazmat,
    coalesce(usage.is_school_bus, false) as is_school_bus,
    coalesce(status.is_overdue, false) as is_overdue,
    coalesce(status.is_scrapped, false) as is_scrapped,
    delivered.insured_until < last_day(delivered.ds) as is_uninsured,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('vehicle_word') }} as kind on delivered.vehicle_type = kind.word
left join {{ ref('vehicle_word') }} as usage on delivered.usage = usage.word
left join {{ ref('vehicle_status') }} as status on delivered.status = status.status
left join stated on delivered.area_code = stated.area_code
