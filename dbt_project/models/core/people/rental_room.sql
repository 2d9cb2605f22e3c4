{{ config(enabled=fed_by('tenancy')) }}
-- One flat in all its spellings: what the source resolved teaches how the rest is read, by staircase and door, else by
-- door and landlord, else by the door alone where the building has it once.
with
    told as (
        select distinct tenancy.building_no, tenancy.unit_no, tenancy.door_no, tenancy.landlord_key, tenancy.address_no
        from {{ ref('fct_tenancy') }} as tenancy
        where not tenancy.is_taken_back
    ),

    by_unit as (
        select told.building_no, told.unit_no, told.door_no, min(told.address_no) as address_no
        from told
        where told.address_no is not null and told.unit_no is not null
        group by told.building_no, told.unit_no, told.door_no
        having count(distinct told.address_no) = 1
    ),

    by_landlord as (
        select told.building_no, told.door_no, told.landlord_key, min(told.address_no) as address_no
        from told
        where told.address_no is not null and told.landlord_key is not null
        group by told.building_no, told.door_no, told.landlord_key
        having count(distinct told.address_no) = 1
    ),

    by_door as (
        select told.building_no, told.door_no, min(told.address_no) as address_no
        from told
        where told.address_no is not null
        group by told.building_no, told.door_no
        having count(distinct told.address_no) = 1
    ),

    resolved as (
        select
            told.building_no,
            told.unit_no,
            told.door_no,
            told.landlord_key,
            told.address_no as stated_address_no,
            coalesce(told.address_no, by_unit.address_no, by_landlord.address_no, by_door.address_no) as address_no
        from told
        left join
            by_unit
            on told.building_no = by_unit.building_no
            and told.unit_no = by_unit.unit_no
            and told.door_no = by_unit.door_no
        left join
            by_landlord
            on told.building_no = by_landlord.building_no
            and told.door_no = by_landlord.door_no
            and told.landlord_key = by_landlord.landlord_key
        left join by_door on told.building_no = by_door.building_no and told.door_no = by_door.door_no
    )

select
    resolved.*,
    coalesce(
        md5('flat|' || resolved.address_no),
        md5(
            concat_ws('|', 'door', resolved.building_no, coalesce(resolved.unit_no, ''), coalesce(resolved.door_no, ''))
        )
    ) as room_key
from resolved
