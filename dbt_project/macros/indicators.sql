{# Windows of indicators: window_kind, first_on, last_on. #}
{% macro indicator_windows() -%}
    select
        indicator_window.window_kind,
        indicator_window.first_on,
        indicator_window.last_on
    from {{ ref('indicator_window') }} as indicator_window
{%- endmacro %}

{# The models a city has of those that count by day and division, or measure by window: name and the inputs it stands on. #}
{% macro indicator_models(kind) -%}
    {%- set models = {
        'tally': {},
        'measure': {},
    }[kind] -%}
    {%- set there = [] -%}
    {%- for name, inputs in models.items() if fed_by(*inputs) -%}{%- do there.append(name) -%}{%- endfor -%}
    {{ return(there) }}
{%- endmacro %}
