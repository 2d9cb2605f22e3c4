{# Latitude and longitude out of `lat` and `lng` of a table, put right by size where a clerk swapped them: only for a city
   where the longitude is the larger number. #}
{% macro point_by_size(table) -%}
    cast(nullif(least({{ table }}.lat, {{ table }}.lng), 0) as decimal(9, 6)) as latitude,
    cast(nullif(greatest({{ table }}.lat, {{ table }}.lng), 0) as decimal(9, 6)) as longitude
{%- endmacro %}

{# Every distinct text of `column` as a unified social credit code (GB 32100): `uscc` with letters that are typed for
   numbers read as these, NULL where its check character is wrong all the same; `is_corrected` says it was typed otherwise. #}
{% macro credit_codes(relation, column) -%}
    select
        typed.{{ column }} as stated,
        string_agg(character.read_as, '' order by place.place_no) as uscc,
        bool_or(character.is_misread) or any_value(typed.letters <> typed.{{ column }}) as is_corrected
    from (
        select distinct
            place.{{ column }},
            upper(trim(place.{{ column }})) as letters
        from {{ relation }} as place
        where place.{{ column }} is not null
    ) as typed
    inner join {{ ref('std_uscc_place') }} as place on place.place_no <= length(typed.letters)
    inner join {{ ref('std_uscc_character') }} as character
        on substr(typed.letters, place.place_no, 1) = character.character
    group by typed.{{ column }}
    having
        count(*) = max(length(typed.letters))
        and count(*) = (select count(*) from {{ ref('std_uscc_place') }})
        and sum(character.value_no * place.weight)
        % (select count(*) from {{ ref('std_uscc_character') }} as standard where not standard.is_misread) = 0
{%- endmacro %}

{# Twelve levels of every distinct text of `column`: rows of text, level_no, level_id, part. Level by level the pattern takes
   its part from the beginning of what is left. #}
{% macro address_levels(relation, column) -%}
    select
        peeled.address_text,
        peeled.level_no,
        peeled.level_id,
        peeled.part
    from (
        with recursive spelling as (
            select
                said.address_text,
                0 as order_no,
                said.address_text as even
            from (
                select distinct place.{{ column }} as address_text
                from {{ relation }} as place
                where place.{{ column }} is not null
            ) as said
            union all
            select
                spelling.address_text,
                rule.order_no,
                regexp_replace(spelling.even, rule.pattern, coalesce(rule.replacement, ''), 'g') as even
            from spelling
            inner join {{ ref('std_address_spelling') }} as rule on rule.order_no = spelling.order_no + 1
        ),

        level_by_level as (
            select
                spelling.address_text,
                0 as level_no,
                cast(null as varchar) as level_id,
                '' as part,
                spelling.even as rest
            from spelling
            where spelling.order_no = (select max(rule.order_no) from {{ ref('std_address_spelling') }} as rule)
            union all
            select
                level_by_level.address_text,
                level.level_no,
                level.level_id,
                regexp_extract(level_by_level.rest, level.pattern, 1) as part,
                substr(level_by_level.rest, length(regexp_extract(level_by_level.rest, level.pattern, 1)) + 1) as rest
            from level_by_level
            inner join {{ ref('std_address_level') }} as level
                on
                    level.level_no = level_by_level.level_no + 1
                    and level.valid_from <= {{ as_of() }}
                    and (level.valid_to is null or {{ as_of() }} < level.valid_to)
        )

        select * from level_by_level
    ) as peeled
    where length(peeled.part) > 0
{%- endmacro %}
