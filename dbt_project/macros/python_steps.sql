{# How a Python model of dbt-duckdb writes its table; in place of the adapter's macro of this name. dbt enforces contracts of
   SQL models only, so the table is made with the columns and types of the model's YAML, and what it returns must be these. #}
{% macro py_write_table(temporary, relation, compiled_code, partitioned_by=none, sorted_by=none) -%}
{%- set promised = [] -%}
{%- for column in model.columns.values() -%}
    {%- do promised.append([column.name, column.data_type]) -%}
{%- endfor -%}
{{ compiled_code }}

def materialize(found, connection):
    from lake.methods import steps
    steps.write(found, connection, '{{ relation }}', dict({{ promised | tojson }}))
{%- endmacro %}
