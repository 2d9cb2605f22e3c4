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
    )
    / (1 + {{ z }} * {{ z }} / {{ n }})
{%- endmacro %}

{# A part of a whole in per cent with two decimals; NULL where there is no whole. #}
{% macro percent_of(part, whole) -%}
    cast(100.0 * ({{ part }}) / nullif({{ whole }}, 0) as decimal(6, 2))
{%- endmacro %}

{# Variance of shares between units beyond chance, by the method of moments (Marshall 1991, the global estimator, with the
   chance of a share): `squares` is the sum of hits * hits / n over the units, `mean_share` that of all of them. #}
{% macro variance_between_shares(squares, n, mean_share, units_n) -%}
    greatest(
        {{ squares }} / {{ n }}
        - {{ mean_share }} * {{ mean_share }}
        - {{ mean_share }} * (1 - {{ mean_share }}) * {{ units_n }} / {{ n }},
        0
    )
{%- endmacro %}

{# A unit's share drawn to the mean of all, the more so the smaller the unit; the mean where units differ by chance only. #}
{% macro drawn_share(share, n, mean_share, variance) -%}
    case
        when {{ variance }} > 0
        then
            {{ mean_share }}
            + ({{ share }} - {{ mean_share }})
            * {{ variance }}
            / ({{ variance }} + {{ mean_share }} * (1 - {{ mean_share }}) / {{ n }})
        else {{ mean_share }}
    end
{%- endmacro %}

{# Whether the units of a group may be ranked: `group`, `meeting_n` and is_rankable. Not where the intervals of half of the
   units or more have one value in common, for then chance alone could have made their order. The value that most intervals
   share is the lower bound of one of them. #}
{% macro rankable_groups(relation, low, high, group) -%}
    select
        {% for column in group %} counted.{{ column }}, {% endfor -%}
        max(counted.meeting_n) as meeting_n,
        max(counted.meeting_n) + max(counted.meeting_n) < count(*) as is_rankable
    from
        (
            select {% for column in group %} one.{{ column }}, {% endfor -%} count(*) as meeting_n
            from {{ relation }} as one
            inner join
                {{ relation }} as other
                on {% for column in group %} one.{{ column }} = other.{{ column }} and {% endfor %}
                one.{{ low }} between other.{{ low }} and other.{{ high }}
            group by {% for column in group %} one.{{ column }}, {% endfor %} one.unit_key
        ) as counted
    group by {% for column in group %} counted.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

{# Bounds of the 95 % interval of a number of events that is a Poisson count (score interval, Rao 1948: the one that Wilson's
   becomes for rare events). #}
{% macro count_low(events) -%} {{ count_bound(events, '-') }} {%- endmacro %}

{% macro count_high(events) -%} {{ count_bound(events, '+') }} {%- endmacro %}

{% macro count_bound(events, sign) -%}
    {%- set half = 'cast(' ~ threshold('normal_quantile_95') ~ ' as double) / 2' -%}
    (
        {{ events }} + 2 * {{ half }} * {{ half }}
        {{ sign }} 2 * {{ half }} * sqrt({{ events }} + {{ half }} * {{ half }})
    )
{%- endmacro %}

{# Variance of rates between units beyond chance, and a unit's rate drawn to that of all: Marshall (1991), the global
   estimator for Poisson counts; `squares` is the sum of events * events / exposure over the units. #}
{% macro variance_between_rates(squares, exposure, mean_rate, units_n) -%}
    greatest(
        {{ squares }} / {{ exposure }}
        - {{ mean_rate }} * {{ mean_rate }}
        - {{ mean_rate }} * {{ units_n }} / {{ exposure }},
        0
    )
{%- endmacro %}

{% macro drawn_rate(rate, exposure, mean_rate, variance) -%}
    case
        when {{ variance }} > 0
        then
            {{ mean_rate }}
            + ({{ rate }} - {{ mean_rate }}) * {{ variance }} / ({{ variance }} + {{ mean_rate }} / {{ exposure }})
        else {{ mean_rate }}
    end
{%- endmacro %}
