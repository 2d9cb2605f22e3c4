{# How far GCJ-02 lies east of WGS 84 at a point, degrees; `terms` is the alias of the seed gcj02. #}
{% macro gcj02_east(lng, lat, terms) -%}
    {%- set x = '(' ~ lng ~ ' - ' ~ terms ~ '.origin_lng)' -%}
    {%- set y = '(' ~ lat ~ ' - ' ~ terms ~ '.origin_lat)' -%}
    degrees(
        (
            {{ terms }}.east_0
            + {{ terms }}.east_x * {{ x }}
            + {{ terms }}.east_y * {{ y }}
            + {{ terms }}.east_xx * {{ x }} * {{ x }}
            + {{ terms }}.east_xy * {{ x }} * {{ y }}
            + {{ terms }}.east_root * sqrt(abs({{ x }}))
            + (
                {{ gcj02_waves(x, terms) }}
                + {{ terms }}.east_1_m * sin(pi() * {{ x }})
                + {{ terms }}.east_2_m * sin(pi() * {{ x }} / {{ terms }}.wave_2_degrees)
                + {{ terms }}.east_3_m * sin(pi() * {{ x }} / {{ terms }}.wave_3_degrees)
                + {{ terms }}.east_4_m * sin(pi() * {{ x }} / {{ terms }}.east_4_degrees)
            )
            * {{ terms }}.share_numerator
            / {{ terms }}.share_denominator
        )
        * sqrt({{ gcj02_bend(lat, terms) }})
        / ({{ terms }}.semi_major_m * cos(radians({{ lat }})))
    )
{%- endmacro %}

{# How far north of it. #}
{% macro gcj02_north(lng, lat, terms) -%}
    {%- set x = '(' ~ lng ~ ' - ' ~ terms ~ '.origin_lng)' -%}
    {%- set y = '(' ~ lat ~ ' - ' ~ terms ~ '.origin_lat)' -%}
    degrees(
        (
            {{ terms }}.north_0
            + {{ terms }}.north_x * {{ x }}
            + {{ terms }}.north_y * {{ y }}
            + {{ terms }}.north_yy * {{ y }} * {{ y }}
            + {{ terms }}.north_xy * {{ x }} * {{ y }}
            + {{ terms }}.north_root * sqrt(abs({{ x }}))
            + (
                {{ gcj02_waves(x, terms) }}
                + {{ terms }}.north_1_m * sin(pi() * {{ y }})
                + {{ terms }}.north_2_m * sin(pi() * {{ y }} / {{ terms }}.wave_2_degrees)
                + {{ terms }}.north_3_m * sin(pi() * {{ y }} / {{ terms }}.wave_3_degrees)
                + {{ terms }}.north_4_m * sin(pi() * {{ y }} / {{ terms }}.north_4_degrees)
            )
            * {{ terms }}.share_numerator
            / {{ terms }}.share_denominator
        )
        * {{ gcj02_bend(lat, terms) }}
        * sqrt({{ gcj02_bend(lat, terms) }})
        / ({{ terms }}.semi_major_m * (1 - {{ terms }}.eccentricity2))
    )
{%- endmacro %}

{# The two short waves along the longitude that both directions have. #}
{% macro gcj02_waves(x, terms) -%}
    {{ terms }}.wave_m * sin(pi() * {{ terms }}.wave_1_per_degree * {{ x }})
    + {{ terms }}.wave_m * sin(pi() * {{ terms }}.wave_2_per_degree * {{ x }})
{%- endmacro %}

{# How the ellipsoid bends at a latitude. #}
{% macro gcj02_bend(lat, terms) -%}
    (1 - {{ terms }}.eccentricity2 * sin(radians({{ lat }})) * sin(radians({{ lat }})))
{%- endmacro %}
