select boundary.division_code, boundary.area_km2, boundary.geometry as geometry_geojson, boundary.ds as snapshot_on
from {{ source('lake', 'resources__division_boundary') }} as boundary
where boundary.ds = (select max(newest.ds) from {{ source('lake', 'resources__division_boundary') }} as newest)
