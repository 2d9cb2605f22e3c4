with
    delivered as (
        select community.*
        from {{ source('lake', 'housing__community') }} as community
        where not coalesce(community._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('housing|' || delivered.community_id) as estate_key,
    delivered.community_id as estate_no,
    trim(delivered.community) as estate_name,
    case when delivered.built_year > {{ threshold('earliest_built_year') }} then delivered.built_year end as built_year,
    delivered.buildings_n,
    delivered.households_n,
    coalesce(managed.is_yes, false) as is_managed,
    trim(delivered.property_firm) as property_firm,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('yes_no') }} as managed on trim(delivered.is_managed) = managed.source_value
left join stated on delivered.area_code = stated.area_code
