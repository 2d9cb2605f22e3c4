{# Tables and views in one statement each, in place of the adapter's materializations: a build's file is private, nobody
   reads it while it is made, so nothing has to be made aside, renamed and kept for going back. Columns come in the order
   of the model's YAML; that names and types are those of the YAML is checked after the run, in one look at the catalogue
   (`lake.marts.promised`). Of what dbt spends on a model this is more than half. #}
{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% if model['language'] == 'sql' -%}
        {% call statement('main') -%}
            create or replace table {{ target }} as {{ promised_columns(compiled_code) }}
        {%- endcall %}
    {%- else -%}
        {% call statement('main', language='python') -%}
            {{ py_write_table(temporary=False, relation=target, compiled_code=compiled_code) }}
        {%- endcall %}
    {%- endif %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {%- set target = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        create or replace view {{ target }} as {{ promised_columns(compiled_code) }}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% macro promised_columns(compiled_code) -%}
    {%- set columns = [] -%}
    {%- for column in model.columns.values() -%} {%- do columns.append(adapter.quote(column.name)) -%} {%- endfor -%}
    select {{ columns | join(', ') }} from (
    {{ compiled_code }}
    ) as model
{%- endmacro %}
