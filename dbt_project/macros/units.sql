{# Kilometres an hour out of metres a second. #}
{% macro kmh_of(metres_a_second) -%} {{ metres_a_second }} * 3600 / 1000 {%- endmacro %}

{# Yuan out of ten thousands of yuan. #}
{% macro yuan_of_wan(wan) -%} {{ wan }} * 10000 {%- endmacro %}
{# Micrograms out of milligrams, and tonnes out of kilograms: a thousandth of the unit that was meant. #}
{% macro thousandfold(value) -%} {{ value }} * 1000 {%- endmacro %}
{% macro thousandth(value) -%} {{ value }} / 1000 {%- endmacro %}
{# Parts per million of methane out of per cent of its lower explosive limit, which is 5 % by volume. #}
{% macro ppm_of_lel(per_cent) -%} {{ per_cent }} * {{ threshold('methane_lel_ppm_per_pct') }} {%- endmacro %}

{# Ten thousands of yuan out of yuan. #}
{% macro wan_of(yuan) -%} {{ yuan }} / 10000 {%- endmacro %}

{# Whole metres out of kilometres. #}
{% macro metres_of(km) -%} cast({{ km }} * 1000 as bigint) {%- endmacro %}

{# Kilometres out of metres. #}
{% macro km_of(metres) -%} {{ metres }} / 1000 {%- endmacro %}

{# 1.25 #}
{% macro km_text(metres) -%} cast(cast({{ metres }} / 1000 as decimal(9, 2)) as varchar) {%- endmacro %}
