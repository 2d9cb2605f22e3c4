{{ config(enabled=fed_by('tenancy')) }}
with
    days as (
        select distinct least(last_day(tenancy.delivered_on), {{ as_of() }}) as as_of_on
        from {{ ref('fct_tenancy') }} as tenancy
    ),

    placed as (
        select tenancy.*, room.room_key, room.address_no as room_address_no
        from {{ ref('fct_tenancy') }} as tenancy
        inner join
            {{ ref('rental_room') }} as room
            on tenancy.building_no is not distinct from room.building_no
            and tenancy.unit_no is not distinct from room.unit_no
            and tenancy.door_no is not distinct from room.door_no
            and tenancy.landlord_key is not distinct from room.landlord_key
            and tenancy.address_no is not distinct from room.stated_address_no
        where not tenancy.is_taken_back
    ),

    registered as (
        select
            placed.*,
            days.as_of_on,
            coalesce(placed.moved_in_on <= days.as_of_on, true)
            and coalesce(placed.moved_out_on > days.as_of_on, true) as is_registered,
            date_diff('day', placed.changed_on, days.as_of_on) > {{ threshold('tenancy_seen_days') }} as is_unconfirmed,
            date_diff('day', placed.moved_in_on, days.as_of_on) as lived_in_days
        from placed
        cross join days
    ),

    employers as (
        select counted.room_key, counted.as_of_on, max(counted.tenants_n) as same_employer_n
        from
            (
                select registered.room_key, registered.as_of_on, count(distinct registered.tenant_key) as tenants_n
                from registered
                where
                    registered.is_registered and not registered.is_unconfirmed and registered.employer_uscc is not null
                group by registered.room_key, registered.as_of_on, registered.employer_uscc
            ) as counted
        group by counted.room_key, counted.as_of_on
    ),

    landlords as (
        select registered.landlord_key, registered.as_of_on, count(distinct registered.room_key) as flats_n
        from registered
        where registered.is_registered and not registered.is_unconfirmed and registered.landlord_key is not null
        group by registered.landlord_key, registered.as_of_on
    )

select
    registered.room_key,
    registered.as_of_on as ds,
    md5('building|' || min(registered.building_no)) as house_key,
    min(registered.room_address_no) as address_no,
    min(registered.building_no) as building_no,
    min(registered.unit_no) as unit_no,
    min(registered.door_no) as door_no,
    min(registered.division_code) as division_code,
    cast(
        count(distinct registered.tenant_key) filter (
            where registered.is_registered and not registered.is_unconfirmed
        ) as integer
    ) as tenants_n,
    cast(
        count(distinct registered.tenant_key) filter (
            where registered.is_registered and registered.is_unconfirmed
        ) as integer
    ) as unconfirmed_n,
    cast(
        count(distinct registered.household_no) filter (
            where registered.is_registered and not registered.is_unconfirmed
        ) as integer
    ) as households_n,
    cast(max(registered.area_m2) as decimal(18, 2)) as area_m2,
    max(registered.rooms_n) as rooms_n,
    cast(count(distinct registered.house_no) as integer) as spellings_n,
    coalesce(
        bool_or(registered.is_filed) filter (where registered.is_registered and not registered.is_unconfirmed), false
    ) as has_contract,
    cast(
        count(distinct registered.household_no) filter (
            where
                registered.is_registered
                and not registered.is_unconfirmed
                and not coalesce(registered.is_filed, false)
                and registered.lived_in_days >= {{ threshold('group_rental_unfiled_days') }}
        ) as integer
    ) as unfiled_households_n,
    cast(
        count(*) filter (
            where
                registered.lived_in_days >= 0
                and registered.lived_in_days < {{ threshold('group_rental_check_in_days') }}
        ) as integer
    ) as check_ins_90d_n,
    max(registered.moved_in_on) filter (where registered.lived_in_days >= 0) as last_check_in_on,
    cast(coalesce(max(employers.same_employer_n), 0) as integer) as same_employer_n,
    cast(coalesce(max(landlords.flats_n) filter (where registered.is_registered), 0) as integer) as landlord_flats_n,
    cast(
        count(distinct registered.tenant_key) filter (
            where registered.is_registered and not registered.is_unconfirmed and not registered.is_home
        ) as integer
    ) as not_home_tenants_n,
    bool_or(registered.is_dormitory) as is_dormitory
from registered
left join employers on registered.room_key = employers.room_key and registered.as_of_on = employers.as_of_on
left join landlords on registered.landlord_key = landlords.landlord_key and registered.as_of_on = landlords.as_of_on
group by registered.room_key, registered.as_of_on
