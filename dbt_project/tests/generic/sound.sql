{# All that must hold of a table, in one look: no two rows agree in the key (NULLs count as equal), no column of `complete`
   is ever NULL, every expression of `holds` is true or NULL. Each row found names the fault. One test a model keeps the
   fixed cost of a build low. `by_partition`: the key holds the day of delivery, so that a partition that stayed what it was
   stays sound and only the changed ones are looked at. #}
{% test sound(model, key, complete=[], holds=[], by_partition=false) %}
    {%- if by_partition -%}
        {%- set model -%}
            (
                select partitions.*
                from {{ model }} as partitions
                where
                    partitions.delivered_on
                    in (select changed.ds from {{ source('lake_build', 'changed') }} as changed)
            ) as partitions
        {%- endset -%}
    {%- endif -%}
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
