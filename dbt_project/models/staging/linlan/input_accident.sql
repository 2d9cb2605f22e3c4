with
    delivered as (
        select accident.*
        from {{ source('lake', 'emergency__accident') }} as accident
        where not coalesce(accident._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('emergency|' || delivered.accident_no) as accident_key,
    delivered.accident_no,
    md5('emergency|' || delivered.ent_id) as enterprise_key,
    'emergency' as department_key,
    delivered.event_code,
    delivered.happened_at as occurred_at,
    {{ civil_date('delivered.happened_at') }} as occurred_on,
    delivered.reported_at,
    delivered.deaths_n,
    coalesce(delivered.injuries_n, 0) as injuries_n,
    delivered.loss_wan > {{ threshold('accident_loss_wan_most') }} as is_loss_repaired,
    -- Some reporters write yuan where ten thousands of yuan are asked.
    cast(
        case
            when delivered.loss_wan > {{ threshold('accident_loss_wan_most') }}
            then delivered.loss_wan
            else {{ yuan_of_wan('delivered.loss_wan') }}
        end as decimal(18, 2)
    ) as loss_cny,
    grade.level_no as stated_grade_no,
    delivered.updated_at as version_at,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('std_event_level') }} as grade on trim(delivered.grade) = grade.name_zh
left join stated on delivered.area_code = stated.area_code
