-- An outline that crosses itself has no area of its own: its hull has, and a middle.
with
    outlined as (
        select hit.*, st_geomfromgeojson(hit.geometry) as outline
        from {{ source('lake', 'resources__patrol_hit') }} as hit
    ),

    measured as (
        select
            outlined.*,
            st_isvalid(outlined.outline) as is_outline_valid,
            cast(
                st_area_spheroid(st_flipcoordinates(st_convexhull(outlined.outline))) as decimal(18, 1)
            ) as outline_area_m2,
            cast(st_y(st_centroid(st_convexhull(outlined.outline))) as decimal(9, 6)) as latitude,
            cast(st_x(st_centroid(st_convexhull(outlined.outline))) as decimal(9, 6)) as longitude
        from outlined
    )

select
    hit.hit_no,
    hit.found_on,
    place.division_code,
    kind.hit_kind,
    means.means,
    coalesce(means.is_automatic, false) as is_automatic,
    -- Nearer to the outline's area in mu than in square metres: then it is in mu.
    cast(
        hit.area_m2 * case
            when
                cast(hit.area_m2 as double) * hit.area_m2 * {{ threshold('square_metres_of_a_mu') }}
                < cast(hit.outline_area_m2 as double) * hit.outline_area_m2
            then {{ threshold('square_metres_of_a_mu') }}
            else 1
        end as decimal(18, 1)
    ) as area_m2,
    coalesce(hit.is_outline_valid, false) as is_outline_valid,
    hit.latitude,
    hit.longitude,
    coalesce(result.is_checked, false) as is_checked,
    result.is_confirmed,
    result.is_rectified,
    hit.checked_on,
    hit.ds as delivered_on,
    hit._landed_at as landed_at,
    hit._file as file_name,
    hit._record as record_no
from measured as hit
left join {{ ref('patrol_hit_kind') }} as kind on hit.kind = kind.source_value
left join {{ ref('patrol_hit_means') }} as means on hit.means = means.source_value
left join {{ ref('patrol_hit_result') }} as result on hit.result = result.source_value
left join {{ ref('stg_division_code') }} as place on hit.area_code = place.code
