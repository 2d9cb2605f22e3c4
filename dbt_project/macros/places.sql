{# Key and division of every row of a relation that has latitude and longitude; rows outside any division are left out.
   A point on a border belongs to none by ST_Contains, so `min` never has to choose between two. #}
{% macro division_of(relation, key) -%}
    select
        place.{{ key }},
        min(shape.division_code) as division_code
    from {{ relation }} as place
    inner join (
        select
            division.division_code,
            st_geomfromgeojson(division.geometry_geojson) as geometry
        from {{ ref('input_division') }} as division
    ) as shape
        on st_contains(
            shape.geometry, st_point(cast(place.longitude as double), cast(place.latitude as double))
        )
    where place.latitude is not null and place.longitude is not null
    group by place.{{ key }}
{%- endmacro %}

{# A coordinate of zero is a blank that a system filled in: no city of ours lies on the equator or in Greenwich. #}
{% macro known_coordinate(coordinate) -%}
    nullif({{ coordinate }}, 0)
{%- endmacro %}
