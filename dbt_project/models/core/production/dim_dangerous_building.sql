{{ config(enabled=fed_by('dangerous_building')) }}
with
    newest as (select max(input.delivered_on) as delivered_on from {{ ref('input_dangerous_building') }} as input),

    buildings as (
        select
            input.*,
            min(input.delivered_on) over (partition by input.building_key) as first_listed_on,
            row_number() over (partition by input.building_key order by {{ newest_first('input') }}) as newest_no
        from {{ ref('input_dangerous_building') }} as input
    )

select
    buildings.building_key,
    buildings.building_no,
    buildings.address_key,
    buildings.danger_grade,
    buildings.appraised_on,
    buildings.built_year,
    buildings.floors_n,
    buildings.is_lived_in,
    buildings.measure_zh,
    buildings.division_code,
    buildings.first_listed_on,
    buildings.delivered_on as last_listed_on,
    -- No longer in the newest list: repaired or pulled down.
    buildings.delivered_on = newest.delivered_on as is_listed
from buildings
cross join newest
where buildings.newest_no = 1
