{# Division of every distinct point of a relation that has latitude and longitude; points outside any division are left
   out. A point on a border belongs to none by ST_Contains, so there are never two of one level. #}
{% macro divisions_of_points(relation) -%}
    select
        point.latitude,
        point.longitude,
        -- Divisions lie within divisions: the smallest counts.
        arg_max(shape.division_code, shape.level_no) as division_code
    from
        (
            select distinct place.latitude, place.longitude
            from {{ relation }} as place
            where place.latitude is not null and place.longitude is not null
        ) as point
    inner join
        (
            select division.division_code, level.level_no, st_geomfromgeojson(division.geometry_geojson) as geometry
            from {{ ref('input_division') }} as division
            inner join {{ ref('division') }} as level on division.division_code = level.division_code
        ) as shape
        on st_contains(shape.geometry, st_point(cast(point.longitude as double), cast(point.latitude as double)))
    group by point.latitude, point.longitude
{%- endmacro %}

{# A coordinate of zero is a blank that a system filled in: no city of ours lies on the equator or in Greenwich. #}
{% macro known_coordinate(coordinate) -%} nullif({{ coordinate }}, 0) {%- endmacro %}

{# Division of every distinct `area_code` of a relation: the smallest whose code it begins with, by the codes of today or
   by those from before a merger. #}
{% macro divisions_stated(relation) -%}
    select stated.area_code, arg_max(known.division_code, length(known.code)) as division_code
    from (select distinct place.area_code from {{ relation }} as place where place.area_code is not null) as stated
    inner join
        (
            select division.division_code as code, division.division_code
            from {{ ref('division') }} as division
            union all
            select unnest(string_split(division.predecessor_code, ' ')) as code, division.division_code
            from {{ ref('division') }} as division
            where division.predecessor_code is not null
        ) as known
        on starts_with(stated.area_code, known.code)
    group by stated.area_code
{%- endmacro %}

{# Whole metres between two points given in degrees. #}
{% macro metres_between(latitude, longitude, other_latitude, other_longitude) -%}
    cast(
        st_distance_sphere(
            st_point(cast({{ latitude }} as double), cast({{ longitude }} as double)),
            st_point(cast({{ other_latitude }} as double), cast({{ other_longitude }} as double))
        ) as integer
    )
{%- endmacro %}
