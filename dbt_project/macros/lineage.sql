{# Rows of table_name and model: who reads an accepted table is told by the project itself. #}
{% macro readers_of_tables() -%}
    {% set readers = [] -%}
    {% if execute -%}
        {% for node in graph.nodes.values() if node.resource_type == 'model' -%}
            {% for parent in node.depends_on.nodes if parent.startswith('source.') and '.lake.' in parent -%}
                {% do readers.append((parent.split('.')[-1], node.name)) -%}
            {% endfor -%}
        {% endfor -%}
    {% endif -%}
    select cast(null as varchar) as table_name, cast(null as varchar) as model
    where false
    {% for table_name, model in readers | sort -%}
        union all
        select '{{ table_name }}' as table_name, '{{ model }}' as model
    {% endfor %}
{%- endmacro %}
