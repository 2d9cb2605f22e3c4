with
    delivered as (
        select source.*, source.township_code as area_code from {{ source('lake', 'finance__clue_week') }} as source
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('clue|' || clue.clue_no) as clue_key,
    clue.clue_no,
    clue.week_on,
    clue.kind as kind_zh,
    clue.project_no,
    clue.uscc,
    clue.claims_n,
    clue.people_n,
    cast(
        case
            when clue.amount_wan > {{ threshold('clue_amount_wan_most') }}
            then clue.amount_wan / {{ threshold('wan') }}
            else clue.amount_wan
        end as decimal(18, 2)
    ) as amount_wan_yuan,
    clue.delay_days,
    yes_no.is_yes as is_stopped,
    clue_status.status,
    clue_status.is_open,

    coalesce(stated.division_code, root.division_code) as division_code,
    clue.ds as delivered_on,
    clue._landed_at as landed_at,
    clue._file as file_name,
    clue._record as record_no
from delivered as clue
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on clue.area_code = stated.area_code
left join {{ ref('clue_status') }} as clue_status on clue.status = clue_status.source_status
left join {{ ref('yes_no') }} as yes_no on clue.is_stopped = yes_no.source_value
