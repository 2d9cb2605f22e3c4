{# What was asked for late shows the last version of every row: how many were written before, and how good, is not known. #}
with
    unwatched as (
        select day.day_on, cast(null as varchar) as division_code
        from {{ ref('data_day') }} as day
        where day.due_n > day.observed_n
    )

    {{ unknown_part('I25', 'pass_rate', 'unwatched', 'fact.day_on', 'fact.day_on') }}
union all
{{ unknown_part('I25', 'linked_rate', 'unwatched', 'fact.day_on', 'fact.day_on') }}
