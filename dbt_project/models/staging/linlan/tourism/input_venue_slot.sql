with
    delivered as (
        select venue_day.*, venue_day.township_code as area_code
        from {{ source('lake', 'tourism__venue_day') }} as venue_day
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('venue|' || delivered.venue_no) as venue_key,
    delivered.venue_no,
    delivered.name as venue_name,
    delivered.kind as kind_name,
    delivered.day_on,
    delivered.slot as slot_no,
    delivered.grid_id,
    stated.division_code,
    delivered.capacity_n,
    delivered.entered_n,
    delivered.left_n,
    -- A gate that gives fewer than nobody does not know how many are inside.
    case when delivered.inside_n >= 0 then delivered.inside_n end as inside_n,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join stated on delivered.area_code = stated.area_code
