select
    cast(district.boro_cd as varchar) as district_code,
    district.name as name_en,
    district.shape_area_ft2 as area_ft2,
    district.geometry as geometry_geojson,
    district.ds as snapshot_on
from {{ source('lake', 'dcp__community_district') }} as district
where district.ds = (select max(newest.ds) from {{ source('lake', 'dcp__community_district') }} as newest)
