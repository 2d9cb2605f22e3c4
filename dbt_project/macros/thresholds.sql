{# Value of a dated threshold in force on the build's day: one yardstick for every window of a build. What the city says in
   its own threshold_override goes first; a unit test is about the project's values only. #}
{% macro threshold(threshold_id) -%}
    (
        select stated.value
        from
            (
                select
                    threshold.value, threshold.threshold_id, threshold.valid_from, threshold.valid_to, false as is_own
                from {{ ref('threshold') }} as threshold
                {% if not in_unit_test() -%}
                    union all
                    select
                        threshold.value,
                        threshold.threshold_id,
                        threshold.valid_from,
                        threshold.valid_to,
                        true as is_own
                    from {{ ref('threshold_override') }} as threshold
                {%- endif %}
            ) as stated
        where
            stated.threshold_id = '{{ threshold_id }}'
            and stated.valid_from <= {{ as_of() }}
            and (stated.valid_to is null or {{ as_of() }} < stated.valid_to)
        order by stated.is_own desc
        limit 1
    )
{%- endmacro %}

{# Whether what is compiled is a unit test, which knows only the tables it names. #}
{% macro in_unit_test() -%}
    {{ return(model is defined and model.resource_type | string == 'unit_test') }}
{%- endmacro %}

{# Rows of a standard table (seed of seeds/std) as this city applies them: a cell that the city's std_override sets
   otherwise on the build's day is replaced, all else stays. `key` names the columns that tell a row, valid_from among them
   where rows of one key follow each other. Rows of every time: a reader picks by date, or takes `std_in_force`. #}
{% macro std(table, key) -%}
    {%- set base = ref(table) -%}
    {%- if in_unit_test() -%} (select base.* from {{ base }} as base)
    {%- else -%}
        {%- set override = ref('std_override') -%}
        {%- set types = {} -%}
        {%- if execute and graph is defined -%}
            {%- for node in graph.nodes.values() if node.resource_type == 'seed' and node.name == table -%}
                {%- do types.update(node.config.column_types) -%}
            {%- endfor -%}
        {%- endif -%}
        (
            select
                {% for column, type in types.items() -%}
                    {% if column in key -%} base.{{ column }}{{ ',' if not loop.last }}
                    {% else -%}
                        coalesce(
                            cast(patch.cells['{{ column }}'] as {{ type }}), base.{{ column }}
                        ) as {{ column }}{{ ',' if not loop.last }}
                    {% endif -%}
                {% else -%} base.*
                {% endfor %}
            from {{ base }} as base
            left join
                (
                    select
                        own.table_name || '|' || own.row_key as row_key,
                        map(list(own.column_name), list(own.value)) as cells
                    from {{ override }} as own
                    where own.valid_from <= {{ as_of() }} and (own.valid_to is null or {{ as_of() }} < own.valid_to)
                    group by own.table_name, own.row_key
                ) as patch
                on patch.row_key = concat_ws(
                    '|', '{{ table }}', {% for column in key %} base.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
                )
        )
    {%- endif -%}
{%- endmacro %}

{# Those of them that are in force on the build's day. #}
{% macro std_in_force(table, key) -%}
    (
        select standard.*
        from {{ std(table, key) }} as standard
        where standard.valid_from <= {{ as_of() }} and (standard.valid_to is null or {{ as_of() }} < standard.valid_to)
    )
{%- endmacro %}
