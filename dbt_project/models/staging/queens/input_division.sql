select
    district.district_code as division_code,
    -- Square feet to square kilometres, exact by the international foot.
    cast(cast(district.area_ft2 as decimal(20, 3)) * 0.09290304 / 1000000 as decimal(12, 3)) as area_km2,
    district.geometry_geojson,
    district.snapshot_on as valid_from_on
from {{ ref('stg_dcp__community_district') }} as district
inner join {{ ref('division') }} as division on district.district_code = division.division_code
