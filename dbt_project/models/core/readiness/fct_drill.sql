{{ config(enabled=fed_by('drill')) }}
with newest as (select max(register.delivered_on) as delivered_on from {{ ref('input_drill') }} as register)

select
    drill.drill_key,
    drill.drill_no,
    drill.name_zh,
    drill.event_code,
    drill.drill_type,
    drill.is_live,
    drill.is_unannounced,
    drill.division_code,
    drill.planned_on,
    drill.held_on,
    drill.participants_n,
    drill.problems_n,
    least(drill.problems_closed_n, drill.problems_n) as problems_closed_n,
    drill.problems_closed_n > drill.problems_n as is_overstated
from {{ ref('input_drill') }} as drill
inner join newest on drill.delivered_on = newest.delivered_on
