{{ config(
    enabled=fed_by('device_day'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('date_on', 'device__status_day', placed=true) }}"
) }}
-- By kind, owner and township: device by device only the newest day is kept, in dim_device.
with
    days as (
        select
            device.*,
            case
                when not device.is_online and not device.is_scrapped
                then greatest(device.date_on - {{ civil_date('device.last_seen_at') }}, 0)
            end as offline_days_n
        from {{ ref('input_device_day') }} as device
        where {{ changed_days('device.delivered_on', 'device__status_day', placed=true) }}
    )

select
    days.device_kind,
    days.department_key,
    days.division_code,
    days.date_on,
    bool_or(days.is_camera) as is_camera,
    min(days.lifeline) as lifeline,
    cast(count(*) as integer) as listed_n,
    cast(count(*) filter (where days.is_scrapped) as integer) as decommissioned_n,
    cast(count(*) filter (where not days.is_scrapped) as integer) as devices_n,
    cast(count(*) filter (where days.is_online and not days.is_scrapped) as integer) as online_n,
    cast(sum(days.online_hours) filter (where not days.is_scrapped) as decimal(18, 1)) as online_hours,
    cast(coalesce(sum(days.offline_days_n), 0) as bigint) as offline_days_n,
    cast(
        count(*) filter (where days.offline_days_n >= {{ threshold('device_offline_long_days') }}) as integer
    ) as offline_week_n,
    cast(count(*) filter (where days.is_clock_ahead) as integer) as clock_ahead_n,
    cast(count(*) filter (where days.is_clock_reset) as integer) as clock_reset_n,
    cast(count(*) filter (where not days.is_on_map) as integer) as off_map_n
from days
group by days.device_kind, days.department_key, days.division_code, days.date_on
