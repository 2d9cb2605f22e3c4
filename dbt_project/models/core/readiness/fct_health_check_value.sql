{{ config(enabled=fed_by('health_check')) }}
with
    sheet as (
        select
            input.*,
            cast(input.period_at as date) as period_on,
            -- The same row twice in one workbook, and a workbook that came again.
            row_number() over (
                partition by input.period_at, input.division_code, input.indicator_no
                order by input.delivered_on desc, input.landed_at desc, input.record_no
            ) as newest_no
        from {{ ref('input_health_check') }} as input
    ),

    evaluated as (
        select
            sheet.*,
            'self' as evaluator,
            cast(sheet.self_value as decimal(18, 4)) as value,
            case
                when sheet.is_lower_better then sheet.self_value <= sheet.target else sheet.self_value >= sheet.target
            end as is_met
        from sheet
        where sheet.newest_no = 1
        union all
        select
            sheet.*,
            'third' as evaluator,
            cast(sheet.third_value as decimal(18, 4)) as value,
            case
                when sheet.is_lower_better then sheet.third_value <= sheet.target else sheet.third_value >= sheet.target
            end as is_met
        from sheet
        where sheet.newest_no = 1
        union all
        select
            sheet.*,
            'public' as evaluator,
            cast(sheet.public_score as decimal(18, 4)) as value,
            sheet.public_score >= {{ threshold('health_check_public_points') }} as is_met
        from sheet
        where sheet.newest_no = 1
    )

select
    'HC' || lpad(
        cast(evaluated.indicator_no as varchar), cast({{ threshold('health_check_no_digits') }} as integer), '0'
    ) as indicator_id,
    evaluated.division_code,
    evaluated.period_on,
    evaluated.evaluator,
    kind.data_kind,
    evaluated.name_zh,
    evaluated.dimension,
    evaluated.lead_department_key,
    evaluated.value,
    evaluated.unit,
    evaluated.is_lower_better,
    cast(evaluated.target as decimal(18, 4)) as target,
    evaluated.is_met
from evaluated
inner join {{ ref('check_evaluator') }} as kind on evaluated.evaluator = kind.evaluator
