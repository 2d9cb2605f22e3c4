{# The one day the build speaks for. Never the wall clock. #}
{% macro as_of() -%}
    (select parameters.as_of from {{ source('lake_build', 'parameters') }} as parameters)
{%- endmacro %}

{# Civil date of an instant in the city's zone. #}
{% macro civil_date(instant) -%} cast(timezone('{{ var("zone") }}', {{ instant }}) as date) {%- endmacro %}

{# Instant of a local date and time in the city's zone. #}
{% macro instant_of(local_timestamp) -%} timezone('{{ var("zone") }}', {{ local_timestamp }}) {%- endmacro %}

{# Seconds from one instant to another, exact. #}
{% macro seconds_between(earlier, later) -%} date_diff('second', {{ earlier }}, {{ later }}) {%- endmacro %}

{# Hours with one decimal out of a number of seconds. #}
{% macro hours_of(seconds) -%} cast({{ seconds }} / 3600.0 as decimal(12, 1)) {%- endmacro %}

{# 2023年4月3日 #}
{% macro date_zh(day) -%} year({{ day }}) || '年' || month({{ day }}) || '月' || day({{ day }}) || '日' {%- endmacro %}

{# A form that knows no empty date writes one long past. #}
{% macro known_instant(instant) -%}
    case when year({{ instant }}) >= {{ threshold('earliest_year') }} then {{ instant }} end
{%- endmacro %}

{# Seconds out of a number of hours. #}
{% macro seconds_of(hours) -%} {{ hours }} * 3600 {%- endmacro %}

{# The same of a date. #}
{% macro known_date(day) -%}
    case when year({{ day }}) >= {{ threshold('earliest_year') }} then {{ day }} end
{%- endmacro %}

{# An interval of a whole number of hours. #}
{% macro hours_interval(hours) -%} to_hours(cast({{ hours }} as bigint)) {%- endmacro %}

{# Minutes out of seconds. #}
{% macro minutes_of(seconds) -%} {{ seconds }} / 60 {%- endmacro %}
