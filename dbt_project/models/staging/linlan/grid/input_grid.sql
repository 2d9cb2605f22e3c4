select
    register.grid_id,
    register.grid_title as name_zh,
    register.kind as grid_type,
    coalesce(stated.division_code, register.township_code) as division_code,
    register.village_code,
    cast(register.area_km2 as decimal(18, 4)) as area_km2,
    cast(register.households_n as bigint) as households_n,
    cast(register.population_n as bigint) as residents_n,
    cast(register.floating_n as bigint) as floating_n,
    cast(register.elderly80_n as bigint) as elderly80_n,
    register.leader_key,
    register.full_time_n,
    register.volunteer_n as volunteers_n,
    register.has_party as has_party_organisation,
    {{ known_coordinate('register.lat') }} as latitude,
    {{ known_coordinate('register.lng') }} as longitude,
    register.ds as delivered_on,
    register._landed_at as landed_at,
    register._file as file_name,
    register._record as record_no
from {{ source('lake', 'grid__grid_register') }} as register
left join
    (
        with
            named as (
                select places.township_code as area_code from {{ source('lake', 'grid__grid_register') }} as places
            )

            {{ divisions_stated('named') }}
    ) as stated
    on register.township_code = stated.area_code
