{# A unified social credit code has neither the letter O nor the letter I: both are digits that were typed wrongly. #}
{% macro credit_code(code) -%} nullif(replace(replace(upper(trim({{ code }})), 'O', '0'), 'I', '1'), '') {%- endmacro %}
