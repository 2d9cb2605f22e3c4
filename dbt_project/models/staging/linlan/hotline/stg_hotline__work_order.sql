with
    told as (
        select
            work_order.*,
            {{ known_instant('work_order.accepted_at') }} as taken_at,
            {{ known_instant('work_order.dispatched_at') }} as sent_at,
            {{ known_instant('work_order.replied_at') }} as answered_at,
            {{ known_instant('work_order.deadline_at') }} as due_at,
            {{ known_instant('work_order.visited_at') }} as asked_at,
            visit.is_effective and satisfaction.satisfaction_no is not null as is_effective_visit,
            satisfaction.satisfaction_no,
            urgent.limit_hours_n,
            request_limit.limit_workdays_n
            + case when work_order.is_delayed then request_limit.delay_workdays_n else 0 end as limit_workdays_n
        from {{ source('lake', 'hotline__work_order') }} as work_order
        left join {{ ref('satisfaction') }} as satisfaction on work_order.satisfaction = satisfaction.source_value
        left join {{ ref('visit_result') }} as visit on work_order.visit_result = visit.source_value
        left join {{ ref('hotline_urgent') }} as urgent on work_order.category3 = urgent.descriptor
        left join
            {{ ref('hotline_limit') }} as request_limit
            on work_order.request_type = request_limit.request_type
            and request_limit.valid_from <= {{ civil_date('work_order.dispatched_at') }}
            and (
                request_limit.valid_to is null or {{ civil_date('work_order.dispatched_at') }} < request_limit.valid_to
            )
    ),

    -- Dispatched without a deadline: the rule of the hotline says which it is, but not that of an order opened again.
    ruled as (
        select
            told.*,
            case
                when told.due_at is not null or told.sent_at is null or told.reopened_n > 0
                then null
                when told.limit_hours_n is not null
                then told.sent_at + to_seconds(cast({{ seconds_of('told.limit_hours_n') }} as bigint))
                else {{ instant_of('due.date_on + hours.closes_at') }}
            end as ruled_at
        from told
        asof left join {{ ref('workday') }} as sent on {{ civil_date('told.sent_at') }} >= sent.date_on
        left join {{ ref('workday') }} as due on sent.workday_no + told.limit_workdays_n = due.workday_no
        left join
            {{ ref('office_hours') }} as hours
            on hours.valid_from <= due.date_on
            and (hours.valid_to is null or due.date_on < hours.valid_to)
    )

select
    ruled.order_no as case_no,
    ruled.category2 as complaint_type,
    ruled.category3 as descriptor,
    ruled.main_department as department_name,
    ruled.co_department as co_department_name,
    ruled.status as source_status,
    ruled.request_type,
    ruled.channel,
    cast(null as integer) as level_no,
    ruled.call_at as created_at,
    ruled.call_at as reported_at,
    -- By the clock of twelve hours an afternoon comes before the call.
    case
        when ruled.taken_at < ruled.call_at
        then ruled.taken_at + {{ hours_interval(threshold('clock_half_hours')) }}
        else ruled.taken_at
    end as accepted_at,
    ruled.sent_at as dispatched_at,
    cast(null as timestamp with time zone) as first_response_at,
    ruled.answered_at as handled_at,
    {{ known_instant('ruled.closed_at') }} as closed_at,
    ruled.asked_at as visit_tried_at,
    case when ruled.is_effective_visit then ruled.asked_at end as visited_at,
    coalesce(ruled.due_at, ruled.ruled_at) as deadline_at,
    ruled.due_at is null and ruled.ruled_at is not null as is_deadline_inferred,
    ruled.place_key as address_key,
    cast(null as varchar) as grid_id,
    ruled.caller_key,
    ruled.satisfaction_no,
    ruled.is_solved,
    cast(null as boolean) as is_valid,
    ruled.is_direct,
    ruled.sent_at is not null as is_dispatched,
    ruled.is_delayed,
    ruled.bounced_n,
    ruled.reopened_n as rework_n,
    ruled.area_code,
    {{ known_coordinate('ruled.lat') }} as latitude,
    {{ known_coordinate('ruled.lng') }} as longitude,
    ruled.updated_at as version_at,
    ruled.ds as delivered_on,
    ruled._landed_at as landed_at,
    ruled._file as file_name,
    ruled._record as record_no,
    false as is_void,
    coalesce(ruled._is_withdrawn, false) as is_withdrawn
from ruled
