{{ config(enabled=fed_by('case', 'grid')) }}
with
    windows as ({{ indicator_windows() }}),

    calls as (
        select
            fact.case_key,
            fact.category_key,
            fact.caller_key,
            fact.created_on,
            fact.created_at,
            fact.division_code,
            fact.duplicate_of_case_key is not null as is_second_copy
        from {{ ref('fct_case') }} as fact
        inner join {{ ref('case_source') }} as source on fact.source_system = source.source_system and source.is_hotline
    ),

    -- The same caller about the same thing in the same township: the one before may lie far back.
    repeats as (
        select
            calls.*,
            calls.created_at
            <= lag(calls.created_at) over own + to_days(cast({{ threshold('repeat_days') }} as integer)) as is_repeat
        from calls
        where not calls.is_second_copy and calls.caller_key is not null
        window
            own as (
                partition by calls.caller_key, calls.category_key, calls.division_code
                order by calls.created_at, calls.case_key
            )
    )

select
    windows.window_kind,
    windows.first_on as starts_on,
    windows.last_on as ends_on,
    bridge.scope_code as division_code,
    calls.category_key,
    count(*) filter (where not calls.is_second_copy) as received_n,
    count(*) filter (where repeats.is_repeat) as repeat_n,
    {{ percent_of('count(*) filter (where repeats.is_repeat)', 'count(*) filter (where not calls.is_second_copy)') }}
    as repeat_pct,
    count(distinct calls.caller_key) as callers_n,
    count(distinct calls.caller_key) filter (where repeats.is_repeat) as repeating_callers_n,
    count(*) filter (where calls.is_second_copy) as second_copies_n
from calls
left join repeats on calls.case_key = repeats.case_key
inner join windows on calls.created_on >= windows.first_on and calls.created_on <= windows.last_on
inner join {{ ref('bridge_division_scope') }} as bridge on calls.division_code is not distinct from bridge.division_code
group by windows.window_kind, windows.first_on, windows.last_on, bridge.scope_code, calls.category_key
