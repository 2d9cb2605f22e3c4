{# Whether a delivery was in time is known only where the lake asked in time: of a window with a day it did not, as in a history
   that was loaded at once, nothing is told. #}
with
    root as (
        select division.division_code, level.scope
        from {{ ref('division') }} as division
        inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
        where division.parent_code is null
    ),

    meant as (select 'I25' as indicator_id, 'timely_rate' as part),

    counted as (
        select
            asked.indicator_id,
            asked.part,
            reporting_window.window_kind,
            reporting_window.first_on,
            reporting_window.last_on,
            sum(day.timely_n) as numerator,
            sum(day.due_n) as denominator
        from ({{ indicator_windows() }}) as reporting_window
        inner join
            (
                select meant.*, unnest(string_split(part.windows, ' ')) as window_kind
                from meant
                inner join
                    {{ ref('indicator_part') }} as part
                    on meant.indicator_id = part.indicator_id
                    and meant.part = part.part
                where part.valid_from <= {{ as_of() }} and (part.valid_to is null or {{ as_of() }} < part.valid_to)
            ) as asked
            on reporting_window.window_kind = asked.window_kind
        inner join
            {{ ref('data_day') }} as day
            on day.day_on >= reporting_window.first_on
            and day.day_on <= reporting_window.last_on
        group by all
        having sum(day.due_n) > 0 and sum(day.due_n) = sum(day.observed_n)
    )

select
    counted.indicator_id,
    counted.part,
    '' as variant,
    counted.window_kind,
    counted.first_on,
    counted.last_on,
    root.scope,
    root.division_code,
    cast(counted.numerator as double) / cast(counted.denominator as double) as value,
    cast(counted.numerator as decimal(24, 6)) as numerator,
    cast(counted.denominator as decimal(24, 6)) as denominator
from counted
cross join root
