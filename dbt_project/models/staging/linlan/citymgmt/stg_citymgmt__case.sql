with located as (
    select
        record.*,
        -- The zone's number stands before the easting, so a case of the neighbouring zone comes to its right place too.
        st_transform(
            st_point(cast(record.x_m as double), cast(record.y_m as double)), projection.crs, 'EPSG:4326', true
        ) as place
    from {{ source('lake', 'citymgmt__case') }} as record
    left join {{ ref('projection') }} as projection
        on record.x_m >= projection.easting_from_m and record.x_m < projection.easting_to_m
)

select
    located.rec_id as case_no,
    located.main_type as complaint_type,
    located.sub_type as descriptor,
    located.department as department_name,
    located.status as source_status,
    located.reported_at as created_at,
    {{ known_instant('located.filed_at') }} as accepted_at,
    {{ known_instant('located.dispatched_at') }} as dispatched_at,
    cast(null as timestamp with time zone) as first_response_at,
    {{ known_instant('located.disposed_at') }} as handled_at,
    {{ known_instant('located.archived_at') }} as closed_at,
    -- A limit in working hours is no moment without the offices' calendar, one without a unit is none at all.
    case
        when deadline_unit.is_clock_hours
            then located.dispatched_at + to_seconds(cast({{ seconds_of('located.deadline_h') }} as bigint))
    end as deadline_at,
    located.place_key as address_key,
    located.cell_id as grid_id,
    located.reporter_key as caller_key,
    cast(null as integer) as satisfaction_no,
    cast(null as boolean) as is_solved,
    located.cell_id as area_code,
    try_cast(st_y(located.place) as decimal(9, 6)) as latitude,
    try_cast(st_x(located.place) as decimal(9, 6)) as longitude,
    located.updated_at as version_at,
    located.ds as delivered_on,
    located._landed_at as landed_at,
    located._file as file_name,
    located._record as record_no,
    coalesce(located.is_cancelled, false) or coalesce(located._is_withdrawn, false) as is_void
from located
left join {{ ref('deadline_unit') }} as deadline_unit on located.deadline_unit = deadline_unit.source_value
