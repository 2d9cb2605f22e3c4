{{ config(enabled=fed_by('enterprise', 'hazard', 'inspection', 'business', 'grid')) }}
-- A grid's outline is not delivered: an enterprise lies in the grid of its township whose middle is nearest.
select
    enterprise.enterprise_key,
    enterprise.division_code,
    arg_min(
        grid.grid_id,
        (
            {{ metres_between('enterprise.latitude', 'enterprise.longitude', 'grid.latitude', 'grid.longitude') }},
            grid.grid_id
        )
    ) as grid_id
from {{ ref('dim_enterprise') }} as enterprise
inner join
    {{ ref('dim_grid') }} as grid
    on enterprise.division_code = grid.division_code
    and grid.is_current
    and grid.latitude is not null
where enterprise.latitude is not null
group by enterprise.enterprise_key, enterprise.division_code
