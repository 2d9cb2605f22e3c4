with
    delivered as (
        select complaint.*
        from {{ source('lake', 'market__complaint') }} as complaint
        where not coalesce(complaint._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('market|' || delivered.complaint_no) as complaint_key,
    delivered.complaint_no,
    coalesce(kind_map.complaint_kind, 'unmapped') as complaint_kind,
    coalesce(kind_map.is_lift_rescue, false) as is_lift_rescue,
    trim(delivered.category) as category_zh,
    {{ credit_code('delivered.uscc') }} as uscc,
    delivered.place_key as address_key,
    delivered.amount_yuan as amount_cny,
    delivered.received_at,
    {{ civil_date('delivered.received_at') }} as received_on,
    delivered.accepted_at,
    case when delivered.closed_at >= delivered.received_at then delivered.closed_at end as closed_at,
    trim(delivered.result) as result_zh,
    delivered.updated_at as version_at,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('market_complaint_kind') }} as kind_map on trim(delivered.kind) = kind_map.source_value
left join stated on delivered.area_code = stated.area_code
