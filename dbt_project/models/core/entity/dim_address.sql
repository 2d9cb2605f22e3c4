{{ config(enabled=fed_by('address', 'division', 'grid')) }}
with
    said as materialized(
        select input.*, coalesce(input.flat_no, input.building_no) as address_no
        from {{ ref('input_address') }} as input
    ),

    -- A flat and the building it is in; a building stands for itself.
    address as (
        select
            said.address_no,
            any_value(said.flat_no) as flat_no,
            max(said.building_no) as building_no,
            arg_max(said.room_text, (said.delivered_on, said.room_text)) filter (
                where said.room_text is not null
            ) as room_text,
            arg_max(said.division_code, (said.delivered_on, said.division_code)) filter (
                where said.division_code is not null
            ) as division_code,
            max(said.grid_id) as grid_id,
            min(said.first_on) as first_on,
            max(said.delivered_on) as delivered_on
        from said
        group by said.address_no
        union all
        select
            said.building_no as address_no,
            cast(null as varchar) as flat_no,
            said.building_no,
            cast(null as varchar) as room_text,
            arg_max(said.division_code, (said.delivered_on, said.division_code)) filter (
                where said.division_code is not null
            ) as division_code,
            max(said.grid_id) as grid_id,
            min(said.first_on) as first_on,
            max(said.delivered_on) as delivered_on
        from said
        where said.flat_no is not null and said.building_no is not null
        group by said.building_no
    ),

    whole as (
        select
            address.address_no,
            any_value(address.flat_no) as flat_no,
            max(address.building_no) as building_no,
            max(address.room_text) as room_text,
            max(address.division_code) as division_code,
            max(address.grid_id) as grid_id,
            min(address.first_on) as first_on,
            max(address.delivered_on) as delivered_on
        from address
        group by address.address_no
    ),

    level as ({{ address_levels('whole', 'room_text') }}),

    room as (
        select
            level.address_text,
            map(
                list(level.level_id order by level.level_no asc), list(level.part order by level.level_no asc)
            ) as parts,
            count(*) as levels_n
        from level
        group by level.address_text
    )

select
    md5(whole.address_no) as address_key,
    whole.address_no,
    whole.flat_no is not null as is_flat,
    md5(whole.building_no) as building_address_key,
    whole.division_code,
    -- Levels above the building that its number and division tell, and those that were parsed.
    cast(
        coalesce(division_level.level_no, 0)
        + case when whole.building_no is not null then 1 else 0 end
        + coalesce(room.levels_n, 0) as integer
    ) as level_no,
    room.parts['unit'] as unit_zh,
    room.parts['floor'] as floor_zh,
    room.parts['room'] as room_zh,
    grid.latitude,
    grid.longitude,
    cast(
        case when grid.latitude is not null then {{ threshold('geocode_by_grid_pct') }} else 0 end as decimal(6, 2)
    ) as geocode_confidence,
    whole.first_on as valid_from_on,
    cast(null as date) as valid_to_on
from whole
left join room on whole.room_text = room.address_text
left join {{ ref('division') }} as division_level on whole.division_code = division_level.division_code
left join {{ ref('dim_grid') }} as grid on whole.grid_id = grid.grid_id and grid.is_current
