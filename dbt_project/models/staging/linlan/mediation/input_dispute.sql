with
    delivered as (select source.* from {{ source('lake', 'mediation__dispute') }} as source),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('dispute|' || dispute.dispute_id) as dispute_key,
    dispute.dispute_id,
    dispute.kind as dispute_type,
    dispute.source as source_zh,
    dispute.parties_n,
    -- 约3万, 5万余元, 44400元左右: the number in the words, in yuan.
    cast(
        case
            when regexp_matches(dispute.amount_text, '万')
            then
                try_cast(regexp_extract(dispute.amount_text, '([0-9]+([.][0-9]+)?)', 1) as decimal(14, 2))
                * {{ threshold('wan') }}
            else try_cast(regexp_extract(dispute.amount_text, '([0-9]+([.][0-9]+)?)', 1) as decimal(14, 2))
        end as decimal(18, 2)
    ) as amount_cny,
    dispute.place_key,
    dispute.opened_at,
    dispute.mediated_at,
    case when dispute.closed_at < dispute.opened_at then dispute.updated_at else dispute.closed_at end as closed_at,
    dispute_result.result,
    coalesce(dispute_result.is_solved, false) as is_solved,
    coalesce(dispute_result.is_failed, false) as is_failed,
    dispute.planned_at,
    dispute.updated_at as version_at,

    coalesce(stated.division_code, root.division_code) as division_code,
    dispute.ds as delivered_on,
    dispute._landed_at as landed_at,
    dispute._file as file_name,
    dispute._record as record_no
from delivered as dispute
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on dispute.area_code = stated.area_code
left join {{ ref('dispute_result') }} as dispute_result on dispute.result = dispute_result.source_result
