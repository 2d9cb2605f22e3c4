{{ config(enabled=fed_by('device_day')) }}
-- The list of its newest day: 270,000 devices of a city each day would be a hundred million rows a year.
select
    device.device_no as device_key,
    device.date_on,
    device.device_kind,
    device.is_camera,
    device.lifeline,
    device.department_key,
    device.vendor,
    device.division_code,
    device.grid_id,
    case when device.is_on_map then device.latitude end as latitude,
    case when device.is_on_map then device.longitude end as longitude,
    device.is_scrapped,
    device.is_online,
    device.last_seen_at,
    case
        when not device.is_online and not device.is_scrapped
        then cast(greatest(device.date_on - {{ civil_date('device.last_seen_at') }}, 0) as integer)
    end as offline_days_n,
    device.installed_on
from {{ ref('input_device_day') }} as device
where device.delivered_on = (select max(newest.delivered_on) from {{ ref('input_device_day') }} as newest)
