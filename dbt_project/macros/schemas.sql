{# A model's schema is the one it names (staging, core, marts, seeds), not a suffix of the target's. #}
{% macro generate_schema_name(custom_schema_name, node) -%} {{ custom_schema_name or target.schema }} {%- endmacro %}
