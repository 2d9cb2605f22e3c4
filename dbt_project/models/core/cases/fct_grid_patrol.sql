{{ config(
    enabled=fed_by('grid_patrol'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'grid__patrol', placed=true) }}"
) }}
select
    md5(patrol.patrol_id) as patrol_key,
    patrol.grid_id,
    patrol.division_code,
    {{ civil_date('patrol.started_at') }} as patrol_on,
    patrol.started_at,
    patrol.ended_at,
    patrol.length_s,
    patrol.distance_m,
    patrol.visits_n,
    patrol.problems_n,
    patrol.delivered_on
from {{ ref('input_grid_patrol') }} as patrol
where {{ changed_days('patrol.delivered_on', 'grid__patrol', placed=true) }}
-- A telephone may send a patrol twice.
qualify
    row_number() over (
        partition by patrol.delivered_on, patrol.patrol_id
        order by patrol.landed_at desc, patrol.file_name desc, patrol.record_no desc
    )
    = 1
