select
    cast(request.unique_key as varchar) as case_no,
    request.created_at,
    request.closed_at,
    request.agency as agency_code,
    request.agency_name,
    request.complaint_type,
    request.descriptor,
    request.status as source_status,
    request.incident_address as address_key,
    {{ known_coordinate('request.latitude') }} as latitude,
    {{ known_coordinate('request.longitude') }} as longitude,
    cast(null as timestamp with time zone) as version_at,
    request.ds as delivered_on,
    request._landed_at as landed_at,
    request._file as file_name,
    request._record as record_no,
    coalesce(request._is_withdrawn, false) as is_withdrawn
from {{ source('lake', 'dot__street_defect') }} as request
