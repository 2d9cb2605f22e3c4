-- What three systems delivered, with the township that a case's number names and its point where no grid is stated:
-- places of ten metres are fine enough to find one.
with
    delivered as (
        select 'hotline' as source_system, 'hotline__work_order' as source_table, work_order.*
        from {{ ref('stg_hotline__work_order') }} as work_order
        union all by name
        select 'grid' as source_system, 'grid__event' as source_table, event.*
        from {{ ref('stg_grid__event') }} as event
        union all by name
        select 'patrol' as source_system, 'citymgmt__case' as source_table, record.*
        from {{ ref('stg_citymgmt__case') }} as record
    ),

    -- A case's number holds its township's: that is the place the case is about,
    -- where its point may lie across the street.
    -- Keys of a join stand on a side each: what mixes both sides, or asks the left one alone, holds all pairs together.
    numbered as (
        select
            form.source_system,
            right(division.division_code, form.township_length_n) as township_no,
            division.division_code
        from {{ ref('case_number') }} as form
        inner join {{ ref('division') }} as division on form.division_level_no = division.level_no
    ),

    placed as (
        select
            delivered.*,
            substr(delivered.case_no, form.township_at, form.township_length_n) as township_no,
            case when delivered.grid_id is null then cast(delivered.latitude as decimal(7, 4)) end as open_latitude,
            case when delivered.grid_id is null then cast(delivered.longitude as decimal(7, 4)) end as open_longitude
        from delivered
        left join {{ ref('case_number') }} as form on delivered.source_system = form.source_system
    )

select placed.*, numbered.division_code as numbered_division_code
from placed
left join numbered on placed.source_system = numbered.source_system and placed.township_no = numbered.township_no
