{{ config(
    enabled=fed_by('component'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('ds', 'citymgmt__component', placed=true) }}"
) }}
select
    component.component_id as component_key,
    component.delivered_on as ds,
    component.component_type_key,
    component.component_type_zh,
    component.grid_id,
    component.division_code,
    component.status,
    component.is_good,
    component.is_damaged,
    component.is_missing,
    component.is_occupied,
    component.department_key,
    component.owner_department_key,
    component.recorded_on,
    component.changed_on,
    component.is_old_number,
    component.is_other_county,
    component.latitude,
    component.longitude
from {{ ref('input_component') }} as component
where {{ changed_days('component.delivered_on', 'citymgmt__component', placed=true) }}
qualify
    row_number() over (
        partition by component.delivered_on, component.component_id
        order by component.landed_at desc, component.file_name desc, component.record_no desc
    )
    = 1
