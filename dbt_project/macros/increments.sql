{# Before new rows of touched keys go in, the old ones go out, those that have no new row included. #}
{% macro forget_touched(key, touched) -%}
    {% if is_incremental() %}
        delete from {{ this }} where {{ key }} in (select touched.{{ key }} from {{ touched }} as touched)
    {% endif %}
{%- endmacro %}

{# A relation as the build before left it, or None in a build from scratch. Not a `ref`: it is read before it is made. #}
{% macro carried(schema, identifier) -%}
    {% if execute %}
        {{ return(adapter.get_relation(database=target.database, schema=schema, identifier=identifier)) }}
    {% endif %}
    {{ return(none) }}
{%- endmacro %}
