{{ config(enabled=fed_by('case', 'grid', 'survey')) }}
with
    known as (
        select
            target.target_key,
            target.name_zh as target_zh,
            target.owner,
            target.due_on,
            target.is_lower_better,
            target.target,
            target.least_value,
            target.most_value,
            told.indicator_id,
            told.first_on as month_on,
            told.last_on,
            told.division_code,
            told.is_complete,
            cast(told.value as decimal(18, 6)) as value,
            -- Distance in the direction in which it gets better.
            cast(
                case
                    when target.is_lower_better then told.value - target.target else target.target - told.value
                end as decimal(18, 6)
            ) as distance
        from {{ ref('city_target') }} as target
        inner join
            {{ ref('indicator_value') }} as told
            on target.indicator_id = told.indicator_id
            and target.part = told.part
            and coalesce(target.variant, '') = told.variant
            and told.first_on >= target.valid_from
            and (target.valid_to is null or told.first_on < target.valid_to)
        inner join {{ ref('division') }} as division on told.division_code = division.division_code
        inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
        where
            told.window_kind = 'month' and told.value is not null and (level.is_county or division.parent_code is null)
    ),

    -- Pace: from the earliest month known within the months looked back over to this one.
    paced as (
        select
            known.target_key,
            known.division_code,
            known.month_on,
            min(before.month_on) as since_on,
            arg_min(before.distance, before.month_on) as distance_before
        from known
        inner join
            known as before
            on known.target_key = before.target_key
            and known.division_code = before.division_code
            and before.month_on < known.month_on
            and before.month_on >= known.month_on - to_months(cast({{ threshold('target_pace_months') }} as integer))
        group by known.target_key, known.division_code, known.month_on
    ),

    judged as (
        select
            known.*,
            greatest(date_diff('month', known.month_on, known.due_on), 0) as months_left_n,
            date_diff('month', paced.since_on, known.month_on) as pace_months_n,
            cast(
                (paced.distance_before - known.distance)
                / nullif(date_diff('month', paced.since_on, known.month_on), 0) as decimal(18, 6)
            ) as pace
        from known
        left join
            paced
            on known.target_key = paced.target_key
            and known.division_code = paced.division_code
            and known.month_on = paced.month_on
    )

select
    judged.month_on,
    judged.division_code,
    judged.target_key,
    judged.target_zh,
    judged.indicator_id,
    judged.owner,
    judged.value,
    judged.target,
    judged.is_lower_better,
    judged.due_on,
    judged.months_left_n,
    judged.distance <= 0 as is_met,
    greatest(judged.distance, 0) as gap,
    cast(100.0 * greatest(judged.distance, 0) / nullif(abs(judged.target), 0) as decimal(12, 2)) as gap_of_target_pct,
    -- Solved backwards: what each month left has to bring; without a month left all of it is due at once.
    cast(greatest(judged.distance, 0) / greatest(judged.months_left_n, 1) as decimal(18, 6)) as pace_needed,
    judged.pace as pace_now,
    judged.pace_months_n,
    -- A share does not grow beyond one, nor a concentration fall below nought.
    case
        when judged.pace is not null
        then
            cast(
                least(
                    greatest(
                        judged.value
                        + case when judged.is_lower_better then -1 else 1 end * judged.pace * judged.months_left_n,
                        judged.least_value
                    ),
                    judged.most_value
                ) as decimal(18, 6)
            )
    end as value_at_pace,
    case
        when judged.distance <= 0 then 0 when judged.pace > 0 then cast(ceil(judged.distance / judged.pace) as integer)
    end as months_at_pace_n,
    -- Met today is no promise: a pace that loses it by then is told.
    judged.distance - judged.pace * judged.months_left_n <= 0 as is_met_at_pace,
    judged.is_complete
from judged
