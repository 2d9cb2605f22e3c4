{{ config(enabled=fed_by('grid', 'grid_number')) }}
select
    number.stated_grid_id,
    number.grid_id,
    number.stated_grid_id = number.grid_id as is_today
from {{ ref('input_grid_number') }} as number
