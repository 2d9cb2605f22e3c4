select city.event_code, city.name_zh from {{ ref('plan_event') }} as city
