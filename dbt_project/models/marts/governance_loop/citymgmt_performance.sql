{{ config(enabled=fed_by('case', 'grid', 'component')) }}
with
    windows as ({{ indicator_windows() }}),

    cases as (
        select
            counted.*,
            bridge.scope_code,
            {{ civil_date('counted.dispatched_at') }} as dispatched_on,
            {{ civil_date('counted.handled_at') }} as handled_on,
            channel.is_supervisor,
            channel.is_public,
            {{ seconds_between('counted.created_at', 'counted.accepted_at') }} as file_s,
            {{ seconds_between('counted.accepted_at', 'counted.dispatched_at') }} as dispatch_s,
            {{ seconds_between('counted.dispatched_at', 'counted.handled_at') }} as handle_s,
            {{ seconds_between('counted.handled_at', 'counted.settled_at') }} as check_s
        from {{ ref('case_counted') }} as counted
        inner join
            {{ ref('case_source') }} as source on counted.source_system = source.source_system and source.is_patrol
        inner join {{ ref('bridge_division_scope') }} as bridge on counted.place_code = bridge.division_code
        left join {{ ref('case_channel') }} as channel on counted.channel = channel.source_value
    ),

    reported as (
        select
            windows.window_kind,
            windows.first_on,
            cases.scope_code,
            count(*) as reported_n,
            count(*) filter (where cases.accepted_at is not null) as filed_n,
            count(*) filter (
                where
                    cases.accepted_at
                    <= cases.created_at + to_minutes(cast({{ threshold('citymgmt_file_minutes') }} as bigint))
            ) as filed_in_time_n,
            count(*) filter (where cases.accepted_at is not null and cases.is_void) as filed_void_n,
            count(*) filter (where cases.is_supervisor) as supervisor_reported_n,
            count(*) filter (where cases.is_supervisor and cases.accepted_at is not null) as supervisor_filed_n,
            count(*) filter (where cases.is_public and cases.accepted_at is not null) as public_filed_n,
            quantile_cont(cases.file_s, 0.5) as file_p50_s,
            quantile_cont(cases.dispatch_s, 0.5) as dispatch_p50_s
        from windows
        inner join cases on cases.created_on >= windows.first_on and cases.created_on <= windows.last_on
        group by windows.window_kind, windows.first_on, cases.scope_code
    ),

    due as (
        select
            windows.window_kind,
            windows.first_on,
            cases.scope_code,
            count(*) as due_n,
            count(*) filter (where cases.handled_at is not null) as due_handled_n,
            count(*) filter (where cases.handled_at <= cases.deadline_at) as due_handled_in_time_n,
            count(*) filter (where cases.is_closed) as due_closed_n,
            count(*) filter (where cases.is_closed and cases.handled_at <= cases.deadline_at) as due_closed_in_time_n
        from windows
        inner join cases on cases.due_on >= windows.first_on and cases.due_on <= windows.last_on
        where cases.is_to_settle
        group by windows.window_kind, windows.first_on, cases.scope_code
    ),

    handled as (
        select
            windows.window_kind,
            windows.first_on,
            cases.scope_code,
            count(*) as handled_n,
            count(*) filter (where cases.rework_n > 0) as rework_n,
            count(*) filter (where cases.check_s is not null) as checked_n,
            count(*) filter (
                where cases.check_s <= {{ threshold('citymgmt_check_hours') }} * 3600
            ) as checked_in_time_n,
            cast(avg(cases.handle_s) as decimal(18, 0)) as handle_mean_s,
            quantile_cont(cases.handle_s, 0.5) as handle_p50_s,
            quantile_cont(cases.handle_s, 0.9) as handle_p90_s,
            quantile_cont(cases.check_s, 0.5) as check_p50_s
        from windows
        inner join cases on cases.handled_on >= windows.first_on and cases.handled_on <= windows.last_on
        where cases.is_to_settle
        group by windows.window_kind, windows.first_on, cases.scope_code
    ),

    overdue as (
        select windows.window_kind, windows.first_on, cases.scope_code, count(*) as overdue_n
        from windows
        inner join
            cases
            on cases.due_on <= windows.last_on
            and (cases.handled_on is null or cases.handled_on > windows.last_on)
        where cases.is_to_settle
        group by windows.window_kind, windows.first_on, cases.scope_code
    ),

    topics as (
        select
            counted.window_kind,
            counted.first_on,
            counted.scope_code,
            arg_max(counted.category_key, (counted.cases_n, counted.category_key)) as top_category_key,
            max(counted.cases_n) as top_n
        from
            (
                select windows.window_kind, windows.first_on, cases.scope_code, cases.category_key, count(*) as cases_n
                from windows
                inner join cases on cases.created_on >= windows.first_on and cases.created_on <= windows.last_on
                where cases.accepted_at is not null
                group by windows.window_kind, windows.first_on, cases.scope_code, cases.category_key
            ) as counted
        group by counted.window_kind, counted.first_on, counted.scope_code
    ),

    rated as (
        select
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            division.division_code,
            coalesce(reported.reported_n, 0) as reported_n,
            coalesce(reported.filed_n, 0) as filed_n,
            coalesce(reported.filed_in_time_n, 0) as filed_in_time_n,
            coalesce(reported.filed_void_n, 0) as filed_void_n,
            coalesce(reported.supervisor_reported_n, 0) as supervisor_reported_n,
            coalesce(reported.supervisor_filed_n, 0) as supervisor_filed_n,
            coalesce(reported.public_filed_n, 0) as public_filed_n,
            coalesce(due.due_n, 0) as due_n,
            coalesce(due.due_handled_n, 0) as due_handled_n,
            coalesce(due.due_handled_in_time_n, 0) as due_handled_in_time_n,
            coalesce(due.due_closed_n, 0) as due_closed_n,
            coalesce(due.due_closed_in_time_n, 0) as due_closed_in_time_n,
            coalesce(handled.handled_n, 0) as handled_n,
            coalesce(handled.rework_n, 0) as rework_n,
            coalesce(handled.checked_n, 0) as checked_n,
            coalesce(handled.checked_in_time_n, 0) as checked_in_time_n,
            coalesce(overdue.overdue_n, 0) as overdue_n,
            topics.top_category_key,
            topics.top_n,
            reported.file_p50_s,
            reported.dispatch_p50_s,
            handled.handle_mean_s,
            handled.handle_p50_s,
            handled.handle_p90_s,
            handled.check_p50_s
        from windows
        cross join {{ ref('dim_admin_division') }} as division
        left join
            reported
            on windows.window_kind = reported.window_kind
            and windows.first_on = reported.first_on
            and division.division_code = reported.scope_code
        left join
            due
            on windows.window_kind = due.window_kind
            and windows.first_on = due.first_on
            and division.division_code = due.scope_code
        left join
            handled
            on windows.window_kind = handled.window_kind
            and windows.first_on = handled.first_on
            and division.division_code = handled.scope_code
        left join
            overdue
            on windows.window_kind = overdue.window_kind
            and windows.first_on = overdue.first_on
            and division.division_code = overdue.scope_code
        left join
            topics
            on windows.window_kind = topics.window_kind
            and windows.first_on = topics.first_on
            and division.division_code = topics.scope_code
        where coalesce(reported.reported_n, due.due_n, handled.handled_n, overdue.overdue_n) is not null
    ),

    scored as (
        select
            rated.*,
            {{ percent_of('rated.filed_in_time_n', 'rated.filed_n') }} as file_in_time_pct,
            {{ percent_of('rated.filed_n - rated.filed_void_n', 'rated.filed_n') }} as file_right_pct,
            {{ percent_of('rated.due_closed_in_time_n', 'rated.due_n') }} as close_in_time_pct
        from rated
    )

select
    scored.window_kind,
    scored.first_on as starts_on,
    scored.last_on as ends_on,
    scored.division_code,
    scored.reported_n,
    scored.filed_n,
    {{ percent_of('scored.filed_n', 'scored.reported_n') }} as file_pct,
    scored.file_in_time_pct,
    scored.file_right_pct,
    {{ percent_of('scored.supervisor_filed_n', 'scored.supervisor_reported_n') }} as supervisor_right_pct,
    {{ percent_of('scored.public_filed_n', 'scored.filed_n') }} as public_report_pct,
    scored.due_n as due_cases_n,
    {{ percent_of('scored.due_handled_n', 'scored.due_n') }} as handle_pct,
    {{ percent_of('scored.due_handled_in_time_n', 'scored.due_n') }} as handle_in_time_pct,
    {{ percent_of('scored.due_closed_n', 'scored.due_n') }} as close_pct,
    scored.close_in_time_pct,
    {{ percent_of('scored.due_closed_in_time_n', 'scored.due_closed_n') }} as close_in_time_of_closed_pct,
    scored.handled_n,
    {{ percent_of('scored.rework_n', 'scored.handled_n') }} as rework_pct,
    {{ percent_of('scored.checked_in_time_n', 'scored.checked_n') }} as check_in_time_pct,
    scored.overdue_n,
    scored.top_category_key,
    {{ percent_of('scored.top_n', 'scored.filed_n') }} as top_category_pct,
    {{ hours_of('scored.file_p50_s') }} as file_p50_hours,
    {{ hours_of('scored.dispatch_p50_s') }} as dispatch_p50_hours,
    {{ hours_of('scored.handle_mean_s') }} as handle_mean_hours,
    {{ hours_of('scored.handle_p50_s') }} as handle_p50_hours,
    {{ hours_of('scored.handle_p90_s') }} as handle_p90_hours,
    {{ hours_of('scored.check_p50_s') }} as check_p50_hours,
    cast(
        scheme.file_on_time_weight * scored.file_in_time_pct
        + scheme.file_right_weight * scored.file_right_pct
        + scheme.close_on_time_weight * scored.close_in_time_pct as decimal(6, 2)
    ) as score,
    case
        when
            scheme.file_on_time_weight * scored.file_in_time_pct
            + scheme.file_right_weight * scored.file_right_pct
            + scheme.close_on_time_weight * scored.close_in_time_pct
            >= scheme.grade_a_from
        then 'A'
        when
            scheme.file_on_time_weight * scored.file_in_time_pct
            + scheme.file_right_weight * scored.file_right_pct
            + scheme.close_on_time_weight * scored.close_in_time_pct
            >= scheme.grade_b_from
        then 'B'
        when scored.file_in_time_pct is not null and scored.close_in_time_pct is not null
        then 'C'
    end as grade
from scored
cross join {{ std_in_force('std_citymgmt_score', ['scheme']) }} as scheme
