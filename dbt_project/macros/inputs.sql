{# Whether the city of this build gives all of these inputs (`models/staging/<city>/**/input_<name>.sql`): a model states in
   its config what it stands on, so that a city without a department has no empty table of it. #}
{% macro fed_by() -%} {{ return(varargs | reject('in', var('inputs')) | list | length == 0) }} {%- endmacro %}

{# The order of versions of one thing, newest first. One value, so that DuckDB keeps the newest of each while it reads and
   does not sort a register of every day there was. #}
{% macro newest_first(input) -%}
    ({{ input }}.delivered_on, {{ input }}.landed_at, {{ input }}.file_name, {{ input }}.record_no) desc
{%- endmacro %}

{# How a row of an accepted table came here, in the names that inputs have for it. #}
{% macro as_delivered(table) -%}
    {{ table }}.ds as delivered_on,
    {{ table }}._landed_at as landed_at,
    {{ table }}._file as file_name,
    {{ table }}._record as record_no
{%- endmacro %}
