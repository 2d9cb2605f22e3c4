select
    boundary.division_code,
    cast(boundary.area_km2 as decimal(12, 3)) as area_km2,
    boundary.geometry_geojson,
    boundary.snapshot_on as valid_from_on
from {{ ref('stg_resources__division_boundary') }} as boundary
inner join {{ ref('division') }} as division on boundary.division_code = division.division_code
