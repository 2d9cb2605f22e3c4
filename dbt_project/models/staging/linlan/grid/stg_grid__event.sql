with
    stated as (
        select
            event.*,
            number.grid_id as own_grid_id,
            -- East of Greenwich and south of Siberia the longitude is the larger of the two:
            -- else they are in each other's place.
            cast({{ known_coordinate('greatest(event.lat, event.lng)') }} as double) as stated_lng,
            cast({{ known_coordinate('least(event.lat, event.lng)') }} as double) as stated_lat
        from {{ source('lake', 'grid__event') }} as event
        left join {{ ref('bridge_grid_number') }} as number on event.grid_id = number.stated_grid_id
    ),

    -- What the point would be if the telephone sent GCJ-02: two steps of the fixed point, good for centimetres.
    first_step as (
        select
            stated.*,
            stated.stated_lng - {{ gcj02_east('stated.stated_lng', 'stated.stated_lat', 'terms') }} as first_lng,
            stated.stated_lat - {{ gcj02_north('stated.stated_lng', 'stated.stated_lat', 'terms') }} as first_lat
        from stated
        cross join {{ ref('gcj02') }} as terms
    ),

    second_step as (
        select
            first_step.*,
            first_step.stated_lng
            - {{ gcj02_east('first_step.first_lng', 'first_step.first_lat', 'terms') }} as plain_lng,
            first_step.stated_lat
            - {{ gcj02_north('first_step.first_lng', 'first_step.first_lat', 'terms') }} as plain_lat
        from first_step
        cross join {{ ref('gcj02') }} as terms
    ),

    -- Nothing in a row says so. The hotline writes CGCS2000, and has many of the addresses; where it has none of a
    -- grid's, the finds of a worker lie in his grid.
    addresses as (
        select
            work_order.place_key, quantile_cont(work_order.lat, 0.5) as lat, quantile_cont(work_order.lng, 0.5) as lng
        from {{ source('lake', 'hotline__work_order') }} as work_order
        where work_order.lat is not null and work_order.lng is not null
        group by work_order.place_key
    ),

    measured as (
        select
            second_step.*,
            date_trunc('month', {{ civil_date('second_step.found_at') }}) as month_on,
            spot.radius_m,
            {{ metres_between('second_step.stated_lat', 'second_step.stated_lng', 'spot.latitude', 'spot.longitude') }}
            as stated_off_m,
            {{ metres_between('second_step.plain_lat', 'second_step.plain_lng', 'spot.latitude', 'spot.longitude') }}
            as plain_off_m,
            {{ metres_between('second_step.stated_lat', 'second_step.stated_lng', 'address.lat', 'address.lng') }}
            <= {{ threshold('same_address_m') }} as is_at_address,
            {{ metres_between('second_step.plain_lat', 'second_step.plain_lng', 'address.lat', 'address.lng') }}
            <= {{ threshold('same_address_m') }} as would_be_at_address
        from second_step
        left join {{ ref('grid_spot') }} as spot on second_step.own_grid_id = spot.grid_id
        left join addresses as address on second_step.place_key = address.place_key
    ),

    -- A worker's telephone sends the same all month.
    telephones as (
        select
            measured.own_grid_id,
            measured.month_on,
            case
                when count(*) filter (where measured.is_at_address or measured.would_be_at_address) > 0
                then
                    count(*) filter (where measured.would_be_at_address)
                    > count(*) filter (where measured.is_at_address)
                else
                    quantile_cont(measured.stated_off_m, 0.5) > any_value(measured.radius_m)
                    and quantile_cont(measured.plain_off_m, 0.5) < any_value(measured.radius_m)
            end as is_gcj02
        from measured
        where measured.radius_m is not null and measured.stated_off_m is not null
        group by measured.own_grid_id, measured.month_on
    )

select
    event.event_id as case_no,
    event.type_code as complaint_type,
    event.type_name as descriptor,
    -- Grid workers are the political and legal commission's, and settle most of it themselves.
    '综治办' as department_name,
    cast(null as varchar) as co_department_name,
    event.stage as source_status,
    cast(null as varchar) as request_type,
    cast(null as varchar) as channel,
    event.level as level_no,
    event.found_at as created_at,
    {{ known_instant('event.reported_at') }} as reported_at,
    {{ known_instant('event.accepted_at') }} as accepted_at,
    cast(null as timestamp with time zone) as dispatched_at,
    cast(null as timestamp with time zone) as first_response_at,
    {{ known_instant('event.finished_at') }} as handled_at,
    {{ known_instant('event.finished_at') }} as closed_at,
    cast(null as timestamp with time zone) as visit_tried_at,
    cast(null as timestamp with time zone) as visited_at,
    cast(null as timestamp with time zone) as deadline_at,
    false as is_deadline_inferred,
    event.place_key as address_key,
    coalesce(event.own_grid_id, event.grid_id) as grid_id,
    cast(null as varchar) as caller_key,
    cast(null as integer) as satisfaction_no,
    cast(null as boolean) as is_solved,
    verify.is_valid,
    event.level <= 1 as is_direct,
    event.level > 1 as is_dispatched,
    cast(null as boolean) as is_delayed,
    cast(null as integer) as bounced_n,
    cast(null as integer) as rework_n,
    -- The number of a grid begins with its township's code.
    event.grid_id as area_code,
    cast(case when telephone.is_gcj02 then event.plain_lat else event.stated_lat end as decimal(9, 6)) as latitude,
    cast(case when telephone.is_gcj02 then event.plain_lng else event.stated_lng end as decimal(9, 6)) as longitude,
    event.updated_at as version_at,
    event.ds as delivered_on,
    event._landed_at as landed_at,
    event._file as file_name,
    event._record as record_no,
    false as is_void,
    coalesce(event._is_withdrawn, false) as is_withdrawn
from measured as event
left join telephones as telephone on event.own_grid_id = telephone.own_grid_id and event.month_on = telephone.month_on
left join {{ ref('verify_result') }} as verify on event.verify_result = verify.source_value
