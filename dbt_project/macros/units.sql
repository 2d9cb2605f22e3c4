{# Kilometres an hour out of metres a second. #}
{% macro kmh_of(metres_a_second) -%}
    {{ metres_a_second }} * 3600 / 1000
{%- endmacro %}
