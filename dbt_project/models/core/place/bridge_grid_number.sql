{{ config(enabled=fed_by('grid', 'grid_number')) }}
-- depends_on: {{ ref('grid_number_moved') }}
select number.stated_grid_id, number.grid_id, number.division_code, number.stated_grid_id = number.grid_id as is_today
from {{ ref('input_grid_number') }} as number
