select
    patrol.patrol_id,
    coalesce(number.grid_id, patrol.grid_id) as grid_id,
    number.division_code,
    patrol.worker_key,
    patrol.started_at,
    patrol.ended_at,
    -- The telephone's clock was set anew on the way: such a patrol has no length of time.
    case
        when patrol.ended_at >= patrol.started_at then {{ seconds_between('patrol.started_at', 'patrol.ended_at') }}
    end as length_s,
    nullif(patrol.distance_m, 0) as distance_m,
    patrol.visits_n,
    patrol.problems_n,
    patrol.ds as delivered_on,
    patrol._landed_at as landed_at,
    patrol._file as file_name,
    patrol._record as record_no
from {{ source('lake', 'grid__patrol') }} as patrol
left join {{ ref('bridge_grid_number') }} as number on patrol.grid_id = number.stated_grid_id
