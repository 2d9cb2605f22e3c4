-- A table: every point of a case is held against it.
{{ config(materialized='table') }}
select
    grid.grid_id,
    grid.division_code,
    grid.latitude,
    grid.longitude,
    -- A grid's outline is not delivered: it is taken for a circle of its area.
    sqrt(cast(grid.area_km2 as double) / pi()) * 1000 as radius_m
from {{ ref('input_grid') }} as grid
where
    grid.delivered_on = (select max(newest.delivered_on) from {{ ref('input_grid') }} as newest)
    and grid.latitude is not null
    and grid.longitude is not null
