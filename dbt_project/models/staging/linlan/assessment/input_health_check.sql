with
    delivered as (select source.* from {{ source('lake', 'assessment__health_check') }} as source),

    stated as ({{ divisions_stated('delivered') }})

select
    cast(regexp_extract(sheet.period, '^(\d+)', 1) || '-01-01' as date)
    + to_months(cast(3 * (cast(regexp_extract(sheet.period, '(\d)$', 1) as integer) - 1) as integer)) as period_at,
    sheet.period,
    sheet.indicator_no,
    sheet.indicator as name_zh,
    check_dimension.dimension,
    check_dimension.lead_department_key,
    sheet.unit,
    check_direction.is_lower_better,
    sheet.target,
    case
        -- A share of one where per cent are asked: far too small against what the third party measured.
        when check_unit.is_percent and sheet.self_value * {{ threshold('share_as_percent_ratio') }} < sheet.third_value
        then cast(sheet.self_value * 100 as decimal(18, 4))
        else sheet.self_value
    end as self_value,
    sheet.third_value,
    case
        when sheet.public_score > {{ threshold('public_score_most') }}
        then cast(sheet.public_score / {{ threshold('public_score_slip') }} as decimal(8, 1))
        else sheet.public_score
    end as public_score,

    coalesce(stated.division_code, root.division_code) as division_code,
    sheet.ds as delivered_on,
    sheet._landed_at as landed_at,
    sheet._file as file_name,
    sheet._record as record_no
from delivered as sheet
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on sheet.area_code = stated.area_code
left join {{ ref('check_dimension') }} as check_dimension on sheet.dimension = check_dimension.source_dimension
left join {{ ref('check_direction') }} as check_direction on sheet.direction = check_direction.source_direction
left join {{ ref('check_unit') }} as check_unit on sheet.unit = check_unit.source_unit
