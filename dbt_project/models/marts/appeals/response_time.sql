with
    windows as (
        select
            reporting_window.window_id,
            reporting_window.kind as window_kind,
            reporting_window.starts_on,
            reporting_window.ends_on,
            reporting_window.starts_at,
            reporting_window.ends_at
        from {{ ref('dim_reporting_window') }} as reporting_window
        inner join
            {{ ref('reporting_window_kind') }} as form on reporting_window.kind = form.kind and form.feeds_response_time
    ),

    closings as (
        select
            fact.division_code,
            fact.department_key,
            fact.category_key,
            fact.closed_at,
            {{ seconds_between('fact.created_at', 'fact.closed_at') }} as open_s
        from {{ ref('fct_case') }} as fact
        -- A closing before the opening is a slip of the source: it has no duration.
        where fact.is_closed and fact.is_time_valid and fact.is_void is not true and fact.duplicate_of_case_key is null
    )

select
    windows.window_id,
    scope.scope_code as division_code,
    closings.department_key,
    closings.category_key,
    windows.window_kind,
    windows.starts_on,
    windows.ends_on,
    count(*) as closed_n,
    {{ hours_of('quantile_cont(closings.open_s, 0.5)') }} as p50_hours,
    {{ hours_of('quantile_cont(closings.open_s, 0.9)') }} as p90_hours,
    count(*) filter (where closings.open_s <= {{ threshold('response_fast_hours') }} * 3600) as within_24h_n,
    count(*) filter (where closings.open_s <= {{ threshold('response_week_hours') }} * 3600) as within_7d_n
from closings
cross join (select distinct windows.window_kind from windows) as kinds
asof inner join windows on kinds.window_kind = windows.window_kind and closings.closed_at >= windows.starts_at
inner join
    {{ ref('bridge_division_scope') }} as scope on closings.division_code is not distinct from scope.division_code
where closings.closed_at < windows.ends_at
group by
    windows.window_id,
    scope.scope_code,
    closings.department_key,
    closings.category_key,
    windows.window_kind,
    windows.starts_on,
    windows.ends_on
