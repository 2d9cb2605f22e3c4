{# Bounds of the 95 % interval of a share of hits in n (Wilson 1927); NULL where n is 0. #}
{% macro wilson_low(hits, n) -%} {{ wilson_bound(hits, n, '-') }} {%- endmacro %}

{% macro wilson_high(hits, n) -%} {{ wilson_bound(hits, n, '+') }} {%- endmacro %}

{% macro wilson_bound(hits, n, sign) -%}
    {%- set z = 'cast(' ~ threshold('normal_quantile_95') ~ ' as double)' -%}
    {%- set share = '(cast(' ~ hits ~ ' as double) / nullif(' ~ n ~ ', 0))' -%}
    (
        {{ share }} + {{ z }} * {{ z }} / ({{ n }} + {{ n }})
        {{ sign }} {{ z }} * sqrt(
            {{ share }} * (1 - {{ share }}) / {{ n }}
            + {{ z }} * {{ z }} / (cast({{ n }} + {{ n }} as double) * ({{ n }} + {{ n }}))
        )
    ) / (1 + {{ z }} * {{ z }} / {{ n }})
{%- endmacro %}

{# A part of a whole in per cent with two decimals; NULL where there is no whole. #}
{% macro percent_of(part, whole) -%}
    cast(100.0 * ({{ part }}) / nullif({{ whole }}, 0) as decimal(6, 2))
{%- endmacro %}
