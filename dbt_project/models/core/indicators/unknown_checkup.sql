{{ config(enabled=fed_by('health_check', 'survey', 'grid')) }}
-- What a workbook has of other divisions and not of this one, or without the third party's value.
with
    expected as (
        select distinct checked.period_on, checked.indicator_id from {{ ref('fct_health_check_value') }} as checked
    ),

    divisions as (
        select distinct checked.period_on, checked.division_code from {{ ref('fct_health_check_value') }} as checked
    ),

    third as (
        select checked.*
        from {{ ref('fct_health_check_value') }} as checked
        inner join {{ ref('check_evaluator') }} as kind on checked.evaluator = kind.evaluator
        where kind.is_third
    ),

    cells as (
        select expected.period_on, divisions.division_code, third.indicator_id is null as is_row_missing
        from expected
        inner join divisions on expected.period_on = divisions.period_on
        left join
            third
            on expected.period_on = third.period_on
            and expected.indicator_id = third.indicator_id
            and divisions.division_code = third.division_code
        where third.value is null
    ),

    unweighted as (
        select
            response.answered_on,
            response.division_code,
            unnest([response.question_key, response.question_key || '_low', response.question_key || '_high']) as part
        from {{ ref('fct_survey_response') }} as response
        where response.is_weight_imputed
    )

    {{ unknown_part('I20', 'met_rate', 'cells', 'fact.period_on', 'fact.period_on', 'fact.is_row_missing', "'self'", is_own=true) }}
union all
{{ unknown_part('I20', 'met_rate', 'cells', 'fact.period_on', 'fact.period_on', variant="'third'", is_own=true) }}
{% for part in ['self_bias', 'agreement_rate'] -%}
    union all
    {{ unknown_part('I20', part, 'cells', 'fact.period_on', 'fact.period_on', is_own=true) }}
{% endfor -%}
union all
select
    'I26' as indicator_id,
    fact.part,
    '' as variant,
    fact.answered_on as from_on,
    fact.answered_on as until_on,
    fact.division_code,
    false as is_own,
    count(*) as facts_n
from unweighted as fact
group by fact.part, fact.answered_on, fact.division_code
