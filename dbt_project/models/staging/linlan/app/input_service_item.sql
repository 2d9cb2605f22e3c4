with
    delivered as (
        select source.*, source.township_code as area_code from {{ source('lake', 'app__service') }} as source
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('service|' || service.service_no) as item_key,
    service.service_no,
    service.item_code,
    service.item as item_zh,
    service.channel,
    service.applied_at,
    case
        when service.finished_at < service.applied_at then service.updated_at else service.finished_at
    end as finished_at,
    service_result.result,
    coalesce(service_result.is_done, false) as is_done,
    coalesce(service_result.is_refused, false) as is_refused,
    service.updated_at as version_at,

    coalesce(stated.division_code, root.division_code) as division_code,
    service.ds as delivered_on,
    service._landed_at as landed_at,
    service._file as file_name,
    service._record as record_no
from delivered as service
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on service.area_code = stated.area_code
left join {{ ref('service_result') }} as service_result on service.result = service_result.source_result
