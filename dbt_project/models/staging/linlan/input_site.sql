with
    delivered as (
        select site.*, greatest(site.lng, site.lat) as true_lng, least(site.lng, site.lat) as true_lat
        from {{ source('lake', 'housing__site') }} as site
        where not coalesce(site._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('housing|' || delivered.site_no) as site_key,
    delivered.site_no,
    delivered.permit_no,
    trim(delivered.site) as site_name,
    trim(delivered.builder) as builder,
    trim(delivered.stage) as stage_zh,
    coalesce(works.works_key, 'unmapped') as works_key,
    coalesce(works.is_hazardous, false) as is_hazardous_works,
    coalesce(works.is_dig, false) as is_dig,
    protection.is_protected as is_pipe_protected,
    coalesce(delivered.has_dust_device, false) as has_dust_device,
    delivered.area_m2,
    delivered.started_on,
    -- A planned end before the beginning is none.
    case when delivered.planned_end_on >= delivered.started_on then delivered.planned_end_on end as planned_end_on,
    delivered.ended_on,
    delivered.progress_pct,
    coalesce(status_map.site_status, 'unmapped') as site_status,
    coalesce(status_map.is_at_work, false) as is_stated_at_work,
    delivered.updated_at as version_at,
    cast({{ known_coordinate('delivered.true_lat') }} as decimal(9, 6)) as latitude,
    cast({{ known_coordinate('delivered.true_lng') }} as decimal(9, 6)) as longitude,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('site_works') }} as works on trim(delivered.hazard_works) = works.source_value
left join {{ ref('pipe_protection') }} as protection on trim(delivered.pipe_protection) = protection.source_value
left join {{ ref('site_status') }} as status_map on trim(delivered.status) = status_map.source_value
left join stated on delivered.area_code = stated.area_code
