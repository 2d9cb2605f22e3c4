{# Latitude and longitude out of `lat` and `lng` of a table, put right by size where a clerk swapped them: only for a city
   where the longitude is the larger number. #}
{% macro point_by_size(table) -%}
    cast(nullif(least({{ table }}.lat, {{ table }}.lng), 0) as decimal(9, 6)) as latitude,
    cast(nullif(greatest({{ table }}.lat, {{ table }}.lng), 0) as decimal(9, 6)) as longitude
{%- endmacro %}

{# Every distinct text of `column` as a unified social credit code (GB 32100): `uscc` with letters that are typed for
   numbers read as these, NULL where its check character is wrong all the same; `is_corrected` says it was typed otherwise. #}
{% macro credit_codes(relation, column) -%}
    -- A list for each code: a row for each of its characters, put together again in order, is more than memory takes.
    select
        checked.stated,
        array_to_string(list_transform(checked.cells, lambda cell:cell.read_as), '') as uscc,
        len(list_filter(checked.cells, lambda cell:cell.is_misread)) > 0
        or checked.letters <> checked.stated as is_corrected
    from
        (
            select
                typed.{{ column }} as stated,
                typed.letters,
                place.weights,
                alphabet.base_n,
                list_transform(
                    generate_series(1, place.places_n),
                    lambda place_no:alphabet.cell_of[substr(typed.letters, place_no, 1)]
                ) as cells
            from
                (
                    select distinct place.{{ column }}, upper(trim(place.{{ column }})) as letters
                    from {{ relation }} as place
                    where place.{{ column }} is not null
                ) as typed
            cross join
                (
                    select count(*) as places_n, list(stated.weight order by stated.place_no) as weights
                    from {{ ref('std_uscc_place') }} as stated
                ) as place
            cross join
                (
                    select
                        map(
                            list(stated.character),
                            list(
                                struct_pack(
                                    read_as := stated.read_as,
                                    value_no := stated.value_no,
                                    is_misread := stated.is_misread
                                )
                            )
                        ) as cell_of,
                        count(*) filter (where not stated.is_misread) as base_n
                    from {{ ref('std_uscc_character') }} as stated
                ) as alphabet
            where length(typed.letters) = place.places_n
        ) as checked
    where
        not list_contains(list_transform(checked.cells, lambda cell:cell is null), true)
        and list_sum(list_transform(list_zip(checked.cells, checked.weights), lambda pair:pair[1].value_no * pair[2]))
        % checked.base_n
        = 0
{%- endmacro %}

{# Twelve levels of every distinct text of `column`: rows of text, level_no, level_id, part. Level by level the pattern takes
   its part from the beginning of what is left. #}
{% macro address_levels(relation, column) -%}
    select peeled.address_text, peeled.level_no, peeled.level_id, peeled.part
    from
        (
            with recursive
                spelling as (
                    select said.address_text, 0 as order_no, said.address_text as even
                    from
                        (
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
                        substr(
                            level_by_level.rest, length(regexp_extract(level_by_level.rest, level.pattern, 1)) + 1
                        ) as rest
                    from level_by_level
                    inner join
                        {{ ref('std_address_level') }} as level
                        on level.level_no = level_by_level.level_no + 1
                        and level.valid_from <= {{ as_of() }}
                        and (level.valid_to is null or {{ as_of() }} < level.valid_to)
                )

            select *
            from level_by_level
        ) as peeled
    where length(peeled.part) > 0
{%- endmacro %}
