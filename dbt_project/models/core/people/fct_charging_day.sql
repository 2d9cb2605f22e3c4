{{ config(
    enabled=fed_by('charging_day'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'smart__charging_day', placed=true) }}"
) }}
select seen.* exclude (landed_at, file_name, record_no)
from {{ ref('input_charging_day') }} as seen
where {{ changed_days('seen.delivered_on', 'smart__charging_day', placed=true) }}
