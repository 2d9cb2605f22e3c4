{{ config(
    enabled=fed_by('tenancy'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_versions('tenancy_no', ref('input_tenancy'), 'rental__tenancy') }}"
) }}
with newest as ({{ newest_versions('tenancy_no', ref('input_tenancy')) }})

select newest.* exclude (landed_at, file_name, record_no)
from newest
