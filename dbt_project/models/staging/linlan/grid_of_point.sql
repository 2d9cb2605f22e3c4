-- The grid of a point where none is stated: that whose middle is nearest, measured by its own size.
-- It stays what it was while the grids of its township lie where they lay: of a long history only the new points are
-- looked up.
{{ config(materialized='table') }}
{%- set held = carried('staging', 'grid_of_point') %}
with
    spots as (
        select
            spot.division_code,
            md5(
                string_agg(
                    concat_ws('|', spot.grid_id, spot.latitude, spot.longitude, spot.radius_m),
                    ' '
                    order by spot.grid_id
                )
            ) as spots_digest
        from {{ ref('grid_spot') }} as spot
        group by spot.division_code
    ),

    asked as (
        select distinct
            delivered.open_latitude as latitude,
            delivered.open_longitude as longitude,
            delivered.numbered_division_code as division_code,
            spots.spots_digest
        from {{ ref('case_delivered') }} as delivered
        inner join spots on delivered.numbered_division_code = spots.division_code
        where delivered.grid_id is null and delivered.open_latitude is not null and delivered.open_longitude is not null
    ),

    known as (
        {% if held -%}
            select asked.*, before.grid_id
            from asked
            left join
                {{ held }} as before
                on asked.latitude = before.latitude
                and asked.longitude = before.longitude
                and asked.division_code = before.division_code
                and asked.spots_digest = before.spots_digest
        {%- else -%}select asked.*, cast(null as varchar) as grid_id from asked
        {%- endif %}
    )

select known.latitude, known.longitude, known.division_code, known.grid_id, known.spots_digest
from known
where known.grid_id is not null
union all
select
    known.latitude,
    known.longitude,
    known.division_code,
    arg_min(
        spot.grid_id,
        (
            {{ metres_between('known.latitude', 'known.longitude', 'spot.latitude', 'spot.longitude') }}
            / spot.radius_m,
            spot.grid_id
        )
    ) as grid_id,
    known.spots_digest
from known
inner join {{ ref('grid_spot') }} as spot on known.division_code = spot.division_code
where known.grid_id is null
group by known.latitude, known.longitude, known.division_code, known.spots_digest
