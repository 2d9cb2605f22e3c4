{{ config(enabled=fed_by('health_check')) }}
with
    newest as (select max(checked.period_on) as period_on from {{ ref('health_check') }} as checked),

    unmet as (
        select checked.*
        from {{ ref('health_check') }} as checked
        inner join newest on checked.period_on = newest.period_on
        where not checked.is_third_met
    ),

    breadth as (select unmet.indicator_id, count(*) as divisions_n from unmet group by unmet.indicator_id)

select
    unmet.period_on,
    unmet.division_code,
    unmet.indicator_id,
    unmet.indicator_zh,
    unmet.dimension,
    unmet.lead_department_key,
    unmet.unit,
    unmet.third_value as present_value,
    unmet.target,
    cast(abs(unmet.target - unmet.third_value) as decimal(18, 4)) as to_do,
    unmet.gap_pct,
    breadth.divisions_n,
    unmet.improvement,
    -- Quarters at the pace of the last one; NULL when it did not move to the good.
    cast(
        case
            when unmet.improvement > 0 then ceil(abs(unmet.target - unmet.third_value) / unmet.improvement)
        end as integer
    ) as quarters_at_pace,
    not coalesce(unmet.is_self_met, false) as is_acknowledged,
    row_number() over (
        partition by unmet.division_code
        order by unmet.gap_pct desc nulls last, breadth.divisions_n desc, unmet.indicator_id
    ) as rank_no
from unmet
inner join breadth on unmet.indicator_id = breadth.indicator_id
