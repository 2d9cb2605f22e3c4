{# I25, of the whole city. Deliveries count by the last day they speak for; whether they came in time is measure_data's. Rows
   count by their partition: what was written and never delivered, or written over before anybody read it, the lake cannot
   know. #}
with
    root as (select division.division_code from {{ ref('division') }} as division where division.parent_code is null),

    parts as (
        select 'complete_rate' as part, day.day_on, sum(day.came_n) as numerator, sum(day.due_n) as denominator
        from {{ ref('data_day') }} as day
        group by day.day_on
        union all
        select
            'pass_rate' as part,
            day.day_on,
            sum(day.accepted_n) as numerator,
            sum(day.accepted_n + day.quarantined_n) as denominator
        from {{ ref('data_day') }} as day
        group by day.day_on
        union all
        select
            'linked_rate' as part,
            day.day_on,
            sum(day.accepted_n + day.quarantined_n - day.unlinked_n) as numerator,
            sum(day.accepted_n + day.quarantined_n) as denominator
        from {{ ref('data_day') }} as day
        group by day.day_on
    )

select
    'I25' as indicator_id,
    parts.part,
    '' as variant,
    parts.day_on,
    root.division_code,
    cast(parts.numerator as decimal(24, 6)) as numerator,
    cast(parts.denominator as decimal(24, 6)) as denominator
from parts
cross join root
where parts.denominator > 0
