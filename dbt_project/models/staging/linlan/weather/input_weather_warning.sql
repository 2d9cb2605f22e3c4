with
    delivered as (select warning.* from {{ source('lake', 'weather__warning') }} as warning),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('warning|' || delivered.message_id) as message_key,
    -- Sender, identifier and time of the message that this one ends.
    md5('warning|' || nullif(split_part(delivered.message_refs, ',', 2), '')) as ends_message_key,
    try_cast(nullif(split_part(delivered.message_refs, ',', 3), '') as timestamp with time zone) as ends_sent_at,
    coalesce(message.is_issue, false) as is_issue,
    coalesce(message.is_end, false) as is_end,
    signal.warning_code,
    delivered.event as warning_name,
    severity.level_no,
    delivered.sent_at,
    {{ civil_date('delivered.sent_at') }} as sent_on,
    -- A time of effect before the message is UTC that says it is ours.
    case
        when delivered.effective_at < delivered.sent_at
        then timezone('UTC', timezone('{{ var("zone") }}', delivered.effective_at))
        else delivered.effective_at
    end as effective_at,
    delivered.expires_at,
    delivered.headline,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('cap_message') }} as message on delivered.message_type = message.message_type
left join {{ ref('weather_signal') }} as signal on delivered.event = signal.event
left join {{ ref('cap_severity') }} as severity on delivered.severity = severity.severity
left join stated on delivered.area_code = stated.area_code
