{{ config(enabled=fed_by('grid', 'grid_number'), schema='staging', materialized='table') }}
{%- set held = carried('core', 'bridge_grid_number') %}
with
    today as (
        select number.stated_grid_id, number.grid_id, number.division_code from {{ ref('input_grid_number') }} as number
    ),

    -- Where nothing is carried on the build makes every row anyway.
    before as (
        select number.stated_grid_id, number.grid_id, number.division_code
        from {{ held if held else 'today' }} as number
    )

select distinct moved.stated_grid_id
from
    (
        (
            select *
            from today
            except
            select *
            from before
        )
        union all
        (
            select *
            from before
            except
            select *
            from today
        )
    ) as moved
