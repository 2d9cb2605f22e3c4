{{ config(enabled=fed_by('health_check')) }}
with
    sides as (
        select
            value.indicator_id,
            value.division_code,
            value.period_on,
            any_value(value.name_zh) as name_zh,
            any_value(value.dimension) as dimension,
            any_value(value.lead_department_key) as lead_department_key,
            any_value(value.unit) as unit,
            bool_or(value.is_lower_better) as is_lower_better,
            max(value.target) as target,
            max(value.value) filter (where kind.is_self) as self_value,
            max(value.value) filter (where kind.is_third) as third_value,
            max(value.value) filter (where kind.is_public) as public_points,
            bool_or(value.is_met) filter (where kind.is_self) as is_self_met,
            bool_or(value.is_met) filter (where kind.is_third) as is_third_met,
            bool_or(value.is_met) filter (where kind.is_public) as is_public_met
        from {{ ref('fct_health_check_value') }} as value
        inner join {{ ref('check_evaluator') }} as kind on value.evaluator = kind.evaluator
        group by value.indicator_id, value.division_code, value.period_on
    ),

    moved as (
        select
            sides.*,
            lag(sides.third_value) over (
                partition by sides.indicator_id, sides.division_code order by sides.period_on
            ) as third_before
        from sides
    ),

    gaps as (
        select
            moved.*,
            -- Above 0: the target is missed by that share of it.
            case
                when moved.target > 0
                then
                    case
                        when moved.is_lower_better
                        then (moved.third_value - moved.target) / moved.target
                        else (moved.target - moved.third_value) / moved.target
                    end
            end as gap_share,
            case
                when moved.third_value > 0
                then
                    case
                        when moved.is_lower_better
                        then (moved.third_value - moved.self_value) / moved.third_value
                        else (moved.self_value - moved.third_value) / moved.third_value
                    end
            end as bias_share,
            case
                when moved.is_lower_better
                then moved.third_before - moved.third_value
                else moved.third_value - moved.third_before
            end as improvement
        from moved
    )

select
    gaps.indicator_id,
    gaps.division_code,
    gaps.period_on,
    gaps.name_zh as indicator_zh,
    gaps.dimension,
    gaps.lead_department_key,
    gaps.unit,
    gaps.is_lower_better,
    gaps.target,
    gaps.self_value,
    gaps.third_value,
    gaps.public_points,
    gaps.is_self_met,
    gaps.is_third_met,
    gaps.is_public_met,
    gaps.is_self_met
    and gaps.is_third_met
    and gaps.is_public_met
    or not gaps.is_self_met
    and not gaps.is_third_met
    and not gaps.is_public_met as is_agreed,
    cast(100 * gaps.bias_share as decimal(12, 2)) as self_bias_pct,
    cast(100 * gaps.gap_share as decimal(12, 2)) as gap_pct,
    cast(gaps.improvement as decimal(18, 4)) as improvement,
    case
        when not gaps.is_third_met
        then
            row_number() over (
                partition by gaps.division_code, gaps.period_on
                order by gaps.is_third_met, gaps.gap_share desc nulls last, gaps.indicator_id
            )
    end as priority_no
from gaps
