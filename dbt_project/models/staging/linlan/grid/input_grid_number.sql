-- A grid's number is its village's and three digits more, a village's is its township's and three digits more. Both
-- the township and the village may have had another number before.
with
    grids as (
        select distinct
            grid.grid_id,
            grid.division_code,
            substr(grid.village_code, length(grid.division_code) + 1) as village_no,
            substr(grid.grid_id, length(grid.village_code) + 1) as grid_no
        from {{ ref('input_grid') }} as grid
    ),

    townships as (
        select division.division_code, division.division_code as code
        from {{ ref('division') }} as division
        union all
        select division.division_code, unnest(string_split(division.predecessor_code, ' ')) as code
        from {{ ref('division') }} as division
        where division.predecessor_code is not null
    ),

    in_order as (
        select
            grids.division_code,
            grids.village_no,
            row_number() over (partition by grids.division_code order by grids.village_no) as village_order_no
        from (select distinct grids.division_code, grids.village_no from grids) as grids
    ),

    villages as (
        select in_order.division_code, in_order.village_no, renumbering.village_no_before as number_text
        from in_order
        inner join
            {{ ref('village_renumbering') }} as renumbering on in_order.village_order_no = renumbering.village_order_no
        union all
        select in_order.division_code, in_order.village_no, in_order.village_no as number_text
        from in_order
    )

select townships.code || villages.number_text || grids.grid_no as stated_grid_id, grids.grid_id, grids.division_code
from grids
inner join townships on grids.division_code = townships.division_code
inner join villages on grids.division_code = villages.division_code and grids.village_no = villages.village_no
