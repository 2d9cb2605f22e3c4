{{ config(
    enabled=fed_by('smart_alarm'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'smart__alarm', placed=true) }}"
) }}
select seen.* exclude (landed_at, file_name, record_no)
from {{ ref('input_smart_alarm') }} as seen
where {{ changed_days('seen.delivered_on', 'smart__alarm', placed=true) }}
