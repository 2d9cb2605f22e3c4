{{ config(enabled=fed_by('health_check', 'survey', 'grid')) }}
with
    windows as ({{ indicator_windows() }}),

    places as ({{ indicator_places() }}),

    checks as (
        select
            checked.period_on,
            checked.division_code,
            count(*) filter (where checked.is_third_met) as third_met_n,
            count(checked.is_third_met) as third_n,
            count(*) filter (where checked.is_self_met) as self_met_n,
            count(checked.is_self_met) as self_n,
            count(*) filter (where checked.is_agreed) as agreed_n,
            count(checked.is_agreed) as compared_n,
            sum(
                case
                    when checked.third_value <> 0
                    then
                        cast(
                            case
                                when checked.is_lower_better
                                then checked.third_value - checked.self_value
                                else checked.self_value - checked.third_value
                            end
                            / checked.third_value as decimal(24, 12)
                        )
                end
            ) as bias_sum,
            count(*) filter (where checked.third_value <> 0 and checked.self_value is not null) as bias_n
        from {{ ref('health_check') }} as checked
        group by checked.period_on, checked.division_code
    ),

    answers as (
        select
            cast(date_trunc('quarter', answer.answered_on) as date) as period_on,
            scope.scope_code as division_code,
            answer.question_key,
            sum(answer.w) as w,
            sum(answer.w * answer.x) as wx,
            sum(answer.w * answer.w) as w2,
            sum(answer.w * answer.w * answer.x) as w2x,
            sum(answer.w * answer.w * answer.x * answer.x) as w2x2
        from
            (
                select
                    response.*, cast(response.weight as decimal(9, 4)) as w, cast(response.score as decimal(4, 0)) as x
                from {{ ref('fct_survey_response') }} as response
            ) as answer
        inner join {{ ref('bridge_division_scope') }} as scope on answer.division_code = scope.division_code
        group by 1, scope.scope_code, answer.question_key
    ),

    intervals as (
        select
            answers.*,
            cast(answers.wx as double) / cast(answers.w as double) as mean,
            {{ threshold('interval_z') }} * sqrt(
                greatest(
                    cast(answers.w2x2 as double)
                    - 2 * cast(answers.wx as double) / cast(answers.w as double) * cast(answers.w2x as double)
                    + pow(cast(answers.wx as double) / cast(answers.w as double), 2) * cast(answers.w2 as double),
                    0
                )
            )
            / cast(answers.w as double) as half
        from answers
    ),

    tallied as (
        select
            'met_rate' as part,
            'third' as variant,
            period_on,
            division_code,
            third_met_n as numerator,
            third_n as denominator
        from checks
        union all
        select 'met_rate', 'self', period_on, division_code, self_met_n, self_n
        from checks
        union all
        select 'self_bias', '', period_on, division_code, bias_sum, bias_n
        from checks
        union all
        select 'agreement_rate', '', period_on, division_code, agreed_n, compared_n
        from checks
    ),

    told as (
        select
            'I20' as indicator_id,
            tallied.part,
            tallied.variant,
            tallied.period_on,
            tallied.division_code,
            cast(tallied.numerator as double) / nullif(tallied.denominator, 0) as value,
            cast(tallied.numerator as decimal(24, 6)) as numerator,
            cast(tallied.denominator as decimal(24, 6)) as denominator
        from tallied
        union all
        select
            'I26' as indicator_id,
            intervals.question_key || bound.suffix as part,
            '' as variant,
            intervals.period_on,
            intervals.division_code,
            intervals.mean + bound.sign * intervals.half as value,
            case when bound.sign = 0 then cast(intervals.wx as decimal(24, 6)) end as numerator,
            case when bound.sign = 0 then cast(intervals.w as decimal(24, 6)) end as denominator
        from intervals
        cross join (values ('', 0), ('_low', -1), ('_high', 1)) as bound(suffix, sign)
    )

select
    told.indicator_id,
    told.part,
    told.variant,
    windows.window_kind,
    windows.first_on,
    windows.last_on,
    places.scope,
    told.division_code,
    told.value,
    told.numerator,
    told.denominator
from told
inner join windows on told.period_on = windows.first_on
inner join
    {{ ref('indicator_part') }} as part
    on told.indicator_id = part.indicator_id
    and told.part = part.part
    and told.variant = coalesce(part.variant, '')
    and list_contains(string_split(part.windows, ' '), windows.window_kind)
inner join places on told.division_code = places.division_code
