-- A table: thousands of small files are read once.
{{ config(materialized='table') }}
with
    delivered as (
        select hazard.*
        from {{ source('lake', 'emergency__hazard') }} as hazard
        where not coalesce(hazard._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('emergency|' || delivered.hazard_no) as hazard_item_key,
    delivered.hazard_no,
    md5('emergency|' || delivered.ent_id) as enterprise_key,
    {{ credit_code('delivered.uscc') }} as uscc,
    'emergency' as department_key,
    coalesce(source_map.channel, 'unmapped') as channel,
    -- Found nobody knows how: the last gate held it.
    coalesce(source_map.gate_key, 'control') as gate_key,
    coalesce(severity.is_major, false) as is_major,
    trim(delivered.category) as category_zh,
    delivered.description_key,
    delivered.l_value,
    delivered.e_value,
    delivered.c_value,
    delivered.d_value as stated_d,
    delivered.found_at,
    delivered.found_on,
    delivered.due_on as stated_due_on,
    delivered.closed_on as stated_closed_on,
    delivered.accepted_on,
    coalesce(state.state_no, 1) as state_no,
    coalesce(state.is_closed, false) as is_closed,
    coalesce(state.is_accepted, false) as is_accepted,
    coalesce(state.is_overdue, false) as is_overdue,
    delivered.photos_before_n,
    delivered.photos_after_n,
    delivered.updated_at as version_at,
    {{ civil_date('delivered.updated_at') }} as version_on,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('hazard_source') }} as source_map on trim(delivered.source) = source_map.source_value
left join {{ ref('hazard_severity') }} as severity on trim(delivered.level) = severity.source_value
left join {{ ref('hazard_state') }} as state on trim(delivered.status) = state.source_value
left join stated on delivered.area_code = stated.area_code
