with
    shapes as (
        select
            shape.division_code,
            shape.area_km2,
            shape.valid_from_on,
            st_asgeojson(
                st_reduceprecision(
                    st_simplifypreservetopology(
                        st_geomfromgeojson(shape.geometry_geojson),
                        cast({{ threshold('map_tolerance_millidegrees') }} as double) / 1000
                    ),
                    cast({{ threshold('map_grid_millidegrees') }} as double) / 1000
                )
            ) as geometry_geojson
        from {{ ref('input_division') }} as shape
    ),

    within as (
        select
            division.parent_code,
            cast(sum(shapes.area_km2) as decimal(12, 3)) as area_km2,
            max(shapes.valid_from_on) as valid_from_on
        from {{ ref('division') }} as division
        inner join shapes on division.division_code = shapes.division_code
        group by division.parent_code
    )

select
    division.division_code,
    division.level_no,
    division.parent_code,
    division.name_zh,
    division.name_en,
    division.short_name_zh,
    division.order_no,
    division.gb2260_code,
    division.predecessor_code,
    division.is_functional_zone,
    {% if fed_by('grid') -%} residents.resident_population_n,
    {%- else -%} division.resident_population_n,
    {%- endif %}
    coalesce(shapes.area_km2, within.area_km2) as area_km2,
    cast(shapes.geometry_geojson as varchar) as geometry_geojson,
    coalesce(shapes.valid_from_on, within.valid_from_on) as valid_from_on,
    cast(null as date) as valid_to_on
from {{ ref('division') }} as division
left join shapes on division.division_code = shapes.division_code
left join within on division.division_code = within.parent_code
{% if fed_by('grid') -%}
    left join {{ ref('division_residents') }} as residents on division.division_code = residents.division_code
{%- endif %}
