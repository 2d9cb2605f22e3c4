{{ config(enabled=fed_by('shelter', 'grid')) }}
with
    metres as (
        select
            {{ threshold('metres_per_degree_latitude') }} as per_latitude,
            {{ threshold('metres_per_degree_longitude') }} as per_longitude
    ),

    middle as (
        select cos(radians(cast(avg(shelter.latitude) as double))) as cosine from {{ ref('dim_shelter') }} as shelter
    )

select
    grid.grid_id,
    grid.division_code,
    grid.residents_n,
    cast(
        min(
            sqrt(
                pow(cast(grid.latitude - shelter.latitude as double) * metres.per_latitude, 2)
                + pow(cast(grid.longitude - shelter.longitude as double) * metres.per_longitude * middle.cosine, 2)
            )
        ) as decimal(12, 1)
    ) as nearest_m,
    coalesce(
        min(
            sqrt(
                pow(cast(grid.latitude - shelter.latitude as double) * metres.per_latitude, 2)
                + pow(cast(grid.longitude - shelter.longitude as double) * metres.per_longitude * middle.cosine, 2)
            )
        )
        <= {{ threshold('shelter_near_m') }},
        false
    ) as is_near
from {{ ref('dim_grid') }} as grid
cross join metres
cross join middle
left join {{ ref('dim_shelter') }} as shelter on shelter.latitude is not null
where grid.is_current
group by grid.grid_id, grid.division_code, grid.residents_n
