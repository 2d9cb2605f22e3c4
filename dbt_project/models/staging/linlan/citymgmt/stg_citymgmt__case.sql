with
    located as (
        select
            record.*,
            {{ known_instant('record.dispatched_at') }} as sent_at,
            unit.is_clock_hours,
            cast({{ seconds_of('record.deadline_h') }} as bigint) as limit_s,
            -- The zone's number stands before the easting,
            -- so a case of the neighbouring zone comes to its right place too.
            st_transform(
                st_point(cast(record.x_m as double), cast(record.y_m as double)), projection.crs, 'EPSG:4326', true
            ) as place
        from {{ source('lake', 'citymgmt__case') }} as record
        left join {{ ref('deadline_unit') }} as unit on record.deadline_unit = unit.source_value
        left join
            {{ ref('projection') }} as projection
            on record.x_m >= projection.easting_from_m
            and record.x_m < projection.easting_to_m
    ),

    -- Working hours run while the offices are open:
    -- what is dispatched before they open, or on a day off, waits for the next opening.
    opened as (
        select
            located.*,
            hours.opens_at,
            {{ seconds_between('hours.opens_at', 'hours.closes_at') }} as open_s,
            case
                when base.date_on = {{ civil_date('located.sent_at') }} then base.workday_no else base.workday_no + 1
            end as start_no,
            case
                when base.date_on = {{ civil_date('located.sent_at') }}
                then
                    greatest(
                        0,
                        least(
                            {{ seconds_between(
                            'base.date_on + hours.opens_at', 'timezone(\'' ~ var('zone') ~ '\', located.sent_at)'
                        ) }},
                            {{ seconds_between('hours.opens_at', 'hours.closes_at') }}
                        )
                    )
                else 0
            end as passed_s
        from located
        asof left join {{ ref('workday') }} as base on {{ civil_date('located.sent_at') }} >= base.date_on
        left join
            {{ ref('office_hours') }} as hours
            on hours.valid_from <= {{ civil_date('located.sent_at') }}
            and (hours.valid_to is null or {{ civil_date('located.sent_at') }} < hours.valid_to)
    ),

    due as (
        select
            opened.*,
            case
                when opened.is_clock_hours
                then opened.sent_at + to_seconds(opened.limit_s)
                when not opened.is_clock_hours
                then
                    {{ instant_of(
                    'workday.date_on + opened.opens_at + to_seconds((opened.passed_s + opened.limit_s) % opened.open_s)'
                ) }}
            end as due_at
        from opened
        left join
            {{ ref('workday') }} as workday
            on opened.start_no + divide(opened.passed_s + opened.limit_s, opened.open_s) = workday.workday_no
    )

select
    due.rec_id as case_no,
    due.main_type as complaint_type,
    due.sub_type as descriptor,
    due.department as department_name,
    cast(null as varchar) as co_department_name,
    due.status as source_status,
    cast(null as varchar) as request_type,
    due.event_src as channel,
    cast(null as integer) as level_no,
    due.reported_at as created_at,
    due.reported_at,
    {{ known_instant('due.filed_at') }} as accepted_at,
    due.sent_at as dispatched_at,
    cast(null as timestamp with time zone) as first_response_at,
    {{ known_instant('due.disposed_at') }} as handled_at,
    {{ known_instant('due.archived_at') }} as closed_at,
    cast(null as timestamp with time zone) as visit_tried_at,
    cast(null as timestamp with time zone) as visited_at,
    -- A limit without a unit is no moment.
    due.due_at as deadline_at,
    false as is_deadline_inferred,
    due.place_key as address_key,
    due.cell_id as grid_id,
    due.reporter_key as caller_key,
    cast(null as integer) as satisfaction_no,
    cast(null as boolean) as is_solved,
    cast(null as boolean) as is_valid,
    cast(null as boolean) as is_direct,
    due.sent_at is not null as is_dispatched,
    cast(null as boolean) as is_delayed,
    cast(null as integer) as bounced_n,
    due.rework_n,
    due.cell_id as area_code,
    try_cast(st_y(due.place) as decimal(9, 6)) as latitude,
    try_cast(st_x(due.place) as decimal(9, 6)) as longitude,
    due.updated_at as version_at,
    due.ds as delivered_on,
    due._landed_at as landed_at,
    due._file as file_name,
    due._record as record_no,
    coalesce(due.is_cancelled, false) as is_void,
    coalesce(due._is_withdrawn, false) as is_withdrawn
from due
