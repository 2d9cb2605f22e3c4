{{ config(enabled=fed_by('survey')) }}
with
    newest as (
        select input.*
        from
            (
                select
                    input.*,
                    row_number() over (
                        partition by input.response_key
                        order by input.delivered_on desc, input.landed_at desc, input.record_no
                    ) as newest_no
                from {{ ref('input_survey') }} as input
            ) as input
        where input.newest_no = 1
    ),

    weights as (
        select
            newest.survey_key,
            newest.division_code,
            cast(sum(newest.weight) / count(newest.weight) as decimal(18, 4)) as mean_weight
        from newest
        group by newest.survey_key, newest.division_code
    ),

    answered as (
        select
            newest.*,
            coalesce(newest.weight, weights.mean_weight) as weight_used,
            newest.weight is null as is_weight_imputed
        from newest
        inner join weights on newest.survey_key = weights.survey_key and newest.division_code = weights.division_code
    )

select
    answered.response_key,
    answered.survey_key,
    'safety' as question_key,
    answered.division_code,
    answered.answered_on,
    cast(answered.safety_score as decimal(18, 2)) as score,
    cast(answered.weight_used as decimal(18, 4)) as weight,
    answered.is_weight_imputed
from answered
union all
select
    answered.response_key,
    answered.survey_key,
    'satisfaction' as question_key,
    answered.division_code,
    answered.answered_on,
    cast(answered.satisfaction_score as decimal(18, 2)) as score,
    cast(answered.weight_used as decimal(18, 4)) as weight,
    answered.is_weight_imputed
from answered
