{{ config(enabled=fed_by('survey')) }}
with
    sums as (
        select
            answer.survey_key,
            cast(date_trunc('quarter', min(answer.answered_on)) as date) as quarter_on,
            scope.scope_code as division_code,
            answer.question_key,
            count(*) as answers_n,
            cast(sum(answer.w) as double) as w,
            cast(sum(answer.w * answer.x) as double) as wx,
            cast(sum(answer.w * answer.w) as double) as w2,
            cast(sum(answer.w * answer.w * answer.x) as double) as w2x,
            cast(sum(answer.w * answer.w * answer.x * answer.x) as double) as w2x2,
            count(*) filter (where answer.is_weight_imputed) as imputed_n
        from
            (
                select
                    response.*, cast(response.weight as decimal(9, 4)) as w, cast(response.score as decimal(4, 0)) as x
                from {{ ref('fct_survey_response') }} as response
            ) as answer
        inner join {{ ref('bridge_division_scope') }} as scope on answer.division_code = scope.division_code
        group by answer.survey_key, scope.scope_code, answer.question_key
    ),

    means as (
        select
            sums.*,
            sums.wx / sums.w as mean,
            sqrt(greatest(sums.w2x2 - 2 * sums.wx / sums.w * sums.w2x + pow(sums.wx / sums.w, 2) * sums.w2, 0))
            / sums.w as error
        from sums
    )

select
    means.quarter_on,
    means.division_code,
    means.question_key,
    means.answers_n,
    means.imputed_n,
    cast(means.mean as decimal(8, 4)) as mean_points,
    cast(means.mean - {{ threshold('interval_z') }} * means.error as decimal(8, 4)) as low_points,
    cast(means.mean + {{ threshold('interval_z') }} * means.error as decimal(8, 4)) as high_points,
    cast(100.0 * (means.mean - 1) / 4 as decimal(6, 2)) as mean_pct
from means
