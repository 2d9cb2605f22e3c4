{# What the links of a case depend on: when, who, what and where. #}
{% macro case_link_digest(state) -%}
    md5(
        concat_ws(
            '|',
            epoch_us({{ state }}.created_at),
            coalesce({{ state }}.caller_key, ''),
            {{ state }}.category_key,
            coalesce({{ state }}.certain_division_code, {{ state }}.stated_division_code, ''),
            coalesce({{ state }}.latitude, 0),
            coalesce({{ state }}.longitude, 0)
        )
    )
{%- endmacro %}

{# How long after its making a case can matter to the links of others: twice the length of a happening and a double entry. #}
{% macro case_link_reach() -%}
    to_hours(cast({{ threshold('happening_hours') }} + {{ threshold('happening_hours') }} + 24 as bigint))
{%- endmacro %}

{# Where a version of a case lies, as far as registers of places have a say in it. #}
{% macro case_place_digest(version) -%}
    md5(
        concat_ws(
            '|',
            coalesce({{ version }}.grid_id, ''),
            coalesce({{ version }}.latitude, 0),
            coalesce({{ version }}.longitude, 0)
        )
    )
{%- endmacro %}
