{{ config(
    enabled=fed_by('ai_event'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('date_on', 'device__ai_event', placed=true) }}"
) }}
select
    event.date_on,
    event.division_code,
    event.ai_event_kind,
    bool_or(event.is_waterside) as is_waterside,
    cast(count(*) as integer) as events_n,
    cast(count(event.is_confirmed) as integer) as looked_at_n,
    cast(count(*) filter (where event.is_confirmed) as integer) as confirmed_n,
    cast(sum(event.confidence_pct) as decimal(18, 3)) as confidence_sum_pct
from {{ ref('input_ai_event') }} as event
where {{ changed_days('event.delivered_on', 'device__ai_event', placed=true) }}
group by event.date_on, event.division_code, event.ai_event_kind
