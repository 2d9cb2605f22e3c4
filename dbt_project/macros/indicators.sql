{# Windows of indicators: window_kind, first_on, last_on. #}
{% macro indicator_windows() -%}
    select
        indicator_window.window_kind,
        indicator_window.first_on,
        indicator_window.last_on
    from {{ ref('indicator_window') }} as indicator_window
{%- endmacro %}
