{# All that must hold of a table, in one look: no two rows agree in the key (NULLs count as equal), no column of `complete`
   is ever NULL, every expression of `holds` is true or NULL. Each row found names the fault. One test a model keeps the
   fixed cost of a build low. #}
{% test sound(model, key, complete=[], holds=[]) %}
    select 'key {{ key | join(", ") }}' as fault
    from (select {{ key | join(', ') }} from {{ model }} group by {{ key | join(', ') }} having count(*) > 1) as doubled
    {% for column in complete -%}
        union all
        select 'complete {{ column }}' as fault
        from {{ model }}
        where {{ column }} is null
    {% endfor -%}
    {% for expression in holds -%}
            {% set told = expression | replace("'", "''") -%}
        union all
        select 'holds {{ told }}' as fault
        from {{ model }}
        where not ({{ expression }})
    {% endfor -%}
{% endtest %}
