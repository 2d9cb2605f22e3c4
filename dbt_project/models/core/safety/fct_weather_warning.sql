{{ config(enabled=fed_by('weather_warning')) }}
with
    messages as (select input.* from {{ ref('input_weather_warning') }} as input),

    ends as (
        select messages.ends_message_key, min(messages.sent_at) as cancelled_at
        from messages
        where messages.is_end and messages.ends_message_key is not null
        group by messages.ends_message_key
    )

select
    messages.message_key as warning_key,
    messages.warning_code,
    messages.warning_name,
    messages.level_no,
    messages.division_code,
    messages.sent_at as issued_at,
    messages.sent_on as issued_on,
    messages.effective_at,
    messages.expires_at,
    ends.cancelled_at,
    coalesce(ends.cancelled_at, messages.expires_at) as ended_at,
    true as is_issue_delivered,
    messages.delivered_on
from messages
left join ends on messages.message_key = ends.ends_message_key
where messages.is_issue
union all
-- A cancellation tells when the message it ends was sent, delivered or not.
select
    messages.ends_message_key as warning_key,
    messages.warning_code,
    messages.warning_name,
    messages.level_no,
    messages.division_code,
    messages.ends_sent_at as issued_at,
    {{ civil_date('messages.ends_sent_at') }} as issued_on,
    messages.ends_sent_at as effective_at,
    cast(null as timestamp with time zone) as expires_at,
    messages.sent_at as cancelled_at,
    messages.sent_at as ended_at,
    false as is_issue_delivered,
    messages.delivered_on
from messages
where
    messages.is_end
    and messages.ends_message_key is not null
    and messages.ends_message_key not in (select issued.message_key from messages as issued where issued.is_issue)
qualify row_number() over (partition by messages.ends_message_key order by messages.sent_at, messages.message_key) = 1
