{# Division of every distinct point of a relation that has latitude and longitude; points outside any division are left
   out. A point on a border belongs to none by ST_Contains, so `min` never has to choose between two. #}
{% macro divisions_of_points(relation) -%}
    select
        point.latitude,
        point.longitude,
        min(shape.division_code) as division_code
    from (
        select distinct
            place.latitude,
            place.longitude
        from {{ relation }} as place
        where place.latitude is not null and place.longitude is not null
    ) as point
    inner join (
        select
            division.division_code,
            st_geomfromgeojson(division.geometry_geojson) as geometry
        from {{ ref('input_division') }} as division
    ) as shape
        on st_contains(
            shape.geometry, st_point(cast(point.longitude as double), cast(point.latitude as double))
        )
    group by point.latitude, point.longitude
{%- endmacro %}

{# A coordinate of zero is a blank that a system filled in: no city of ours lies on the equator or in Greenwich. #}
{% macro known_coordinate(coordinate) -%}
    nullif({{ coordinate }}, 0)
{%- endmacro %}
