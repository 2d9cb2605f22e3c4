{{ config(enabled=fed_by('service_item'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_versions('item_key', ref('input_service_item'), 'app__service') }}") }}
with newest as ({{ newest_versions('item_key', ref('input_service_item')) }})

select
    newest.item_key,
    newest.item_code,
    newest.item_zh,
    newest.channel,
    newest.applied_at,
    {{ civil_date('newest.applied_at') }} as applied_on,
    newest.finished_at,
    newest.result,
    newest.is_done,
    newest.is_refused,
    newest.division_code,
    newest.delivered_on
from newest
