{{ config(
    enabled=fed_by('water_sample'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('sampled_on', 'environment__water_section') }}"
) }}
select
    sample.section_no as section_key,
    sample.item as indicator,
    sample.sampled_at,
    sample.sampled_on,
    sample.section_name,
    sample.river,
    sample.division_code,
    cast(sample.target_class_no as integer) as target_class_no,
    cast(sample.value as decimal(18, 4)) as value,
    sample.is_valid
from {{ ref('input_water_sample') }} as sample
where {{ changed_days('sample.delivered_on', 'environment__water_section') }}
