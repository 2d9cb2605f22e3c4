{{ config(
    enabled=fed_by('ai_event'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('date_on', 'device__ai_event', placed=true) }}"
) }}
-- The few that lie by river and coast one by one: what repeats there does so within metres.
select
    event.event_no as event_key,
    event.event_at,
    event.date_on,
    event.ai_event_kind,
    event.division_code,
    event.grid_id,
    case when event.latitude < event.longitude then event.latitude end as latitude,
    case when event.latitude < event.longitude then event.longitude end as longitude,
    event.is_confirmed
from {{ ref('input_ai_event') }} as event
where event.is_waterside and {{ changed_days('event.delivered_on', 'device__ai_event', placed=true) }}
