{{ config(enabled=fed_by('drill')) }}
select
    'I21' as indicator_id,
    'drill_rate' as part,
    '' as variant,
    drill.planned_on as day_on,
    drill.division_code,
    cast(count(drill.held_on) as decimal(24, 6)) as numerator,
    cast(count(*) as decimal(24, 6)) as denominator
from {{ ref('fct_drill') }} as drill
where drill.planned_on is not null
group by drill.planned_on, drill.division_code
union all
select
    'I21' as indicator_id,
    'drill_fixed_rate' as part,
    '' as variant,
    drill.held_on as day_on,
    drill.division_code,
    cast(sum(drill.problems_closed_n) as decimal(24, 6)) as numerator,
    cast(sum(drill.problems_n) as decimal(24, 6)) as denominator
from {{ ref('fct_drill') }} as drill
where drill.held_on is not null
group by drill.held_on, drill.division_code
