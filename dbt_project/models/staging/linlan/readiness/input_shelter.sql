with
    delivered as (select source.* from {{ source('lake', 'readiness__shelter') }} as source),

    stated as ({{ divisions_stated('delivered') }})

select
    shelter.shelter_no as shelter_id,
    shelter.shelter as name_zh,
    shelter_class.shelter_class,
    shelter_class.least_m2_per_head,
    cast(shelter.area_m2 as decimal(18, 2)) as area_m2,
    cast(shelter.capacity_n as bigint) as capacity_n,
    shelter.is_indoor,
    -- In this city longitudes are larger than latitudes: the two in each other's place are told apart.
    {{ known_coordinate('least(shelter.lat, shelter.lng)') }} as latitude,
    {{ known_coordinate('greatest(shelter.lat, shelter.lng)') }} as longitude,

    coalesce(stated.division_code, root.division_code) as division_code,
    shelter.ds as delivered_on,
    shelter._landed_at as landed_at,
    shelter._file as file_name,
    shelter._record as record_no
from delivered as shelter
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on shelter.area_code = stated.area_code
left join {{ ref('shelter_class') }} as shelter_class on shelter.shelter_class = shelter_class.source_class
