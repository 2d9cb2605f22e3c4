with
    windows as (
        select
            reporting_window.window_id,
            reporting_window.starts_on,
            reporting_window.ends_on,
            reporting_window.starts_at,
            reporting_window.ends_at,
            lag(reporting_window.window_id) over (
                partition by reporting_window.kind order by reporting_window.starts_at
            ) as previous_window_id
        from {{ ref('dim_reporting_window') }} as reporting_window
        inner join
            {{ ref('reporting_window_kind') }} as form on reporting_window.kind = form.kind and form.feeds_topic_week
    ),

    counted as (
        select
            windows.window_id,
            scope.scope_code as division_code,
            fact.source_system,
            fact.category_key,
            count(*) as cases_n
        from {{ ref('fct_case') }} as fact
        asof inner join windows on fact.created_at >= windows.starts_at
        inner join
            {{ ref('bridge_division_scope') }} as scope on fact.division_code is not distinct from scope.division_code
        where fact.created_at < windows.ends_at and fact.is_void is not true and fact.duplicate_of_case_key is null
        group by windows.window_id, scope.scope_code, fact.source_system, fact.category_key
    ),

    both_weeks as (
        select
            windows.window_id,
            windows.starts_on,
            windows.ends_on,
            counted.division_code,
            counted.source_system,
            counted.category_key,
            sum(case when counted.window_id = windows.window_id then counted.cases_n else 0 end) as cases_n,
            sum(case when counted.window_id = windows.previous_window_id then counted.cases_n else 0 end) as previous_n
        from windows
        inner join counted on counted.window_id = windows.window_id or counted.window_id = windows.previous_window_id
        group by
            windows.window_id,
            windows.starts_on,
            windows.ends_on,
            counted.division_code,
            counted.source_system,
            counted.category_key
    ),

    shared as (
        select
            both_weeks.*,
            sum(both_weeks.cases_n) over (
                partition by both_weeks.window_id, both_weeks.division_code, both_weeks.source_system
            ) as total_n
        from both_weeks
    )

select
    shared.window_id,
    shared.division_code,
    shared.category_key,
    shared.starts_on,
    shared.ends_on,
    shared.source_system,
    category.name_zh as category_name_zh,
    cast(shared.cases_n as bigint) as cases_n,
    cast(shared.previous_n as bigint) as previous_n,
    cast(100.0 * shared.cases_n / nullif(shared.total_n, 0) as decimal(6, 2)) as cases_share_pct,
    cast(
        row_number() over (
            partition by shared.window_id, shared.division_code, shared.source_system
            order by shared.cases_n desc, shared.previous_n desc, shared.category_key
        ) as bigint
    ) as rank_no
from shared
inner join {{ ref('dim_event_category') }} as category on shared.category_key = category.category_key
