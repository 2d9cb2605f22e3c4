{{ config(enabled=fed_by('instruction', 'instruction_step')) }}
with
    own as (
        select
            instruction.*,
            cast(date_trunc('month', {{ civil_date('instruction.due_at') }}) as date) as month_on,
            scope.scope_code
        from {{ ref('fct_instruction') }} as instruction
        inner join {{ ref('bridge_division_scope') }} as scope on instruction.division_code = scope.division_code
        where instruction.due_at is not null and {{ civil_date('instruction.due_at') }} <= {{ as_of() }}
    ),

    counted as (
        select
            own.month_on,
            own.scope_code as division_code,
            own.level_no,
            count(*) as due_n,
            count(own.finished_at) filter (where own.finished_at <= own.due_at) as on_time_n,
            count(*) filter (where own.finished_at is null or own.finished_at > own.due_at) as overdue_n,
            count(*) filter (where own.is_open) as open_n,
            count(own.rechecked_at) as rechecked_n,
            count(*) filter (where own.is_passed) as passed_n,
            count(*) filter (where not own.is_passed) as failed_n,
            count(*) filter (where own.is_due_wrong) as due_wrong_n,
            cast(avg(own.departments_n) as decimal(8, 2)) as departments_mean_n,
            quantile_cont(date_diff('second', own.begun_at, own.drafted_at), 0.5) / 3600.0 as draft_p50,
            quantile_cont(date_diff('second', own.begun_at, own.drafted_at), 0.9) / 3600.0 as draft_p90,
            quantile_cont(date_diff('second', own.drafted_at, own.reviewed_at), 0.5) / 3600.0 as review_p50,
            quantile_cont(date_diff('second', own.drafted_at, own.reviewed_at), 0.9) / 3600.0 as review_p90,
            quantile_cont(date_diff('second', own.reviewed_at, own.issued_at), 0.5) / 3600.0 as issue_p50,
            quantile_cont(date_diff('second', own.reviewed_at, own.issued_at), 0.9) / 3600.0 as issue_p90,
            quantile_cont(date_diff('second', own.issued_at, own.executed_at), 0.5) / 3600.0 as execute_p50,
            quantile_cont(date_diff('second', own.issued_at, own.executed_at), 0.9) / 3600.0 as execute_p90,
            quantile_cont(date_diff('second', own.executed_at, own.assessed_at), 0.5) / 3600.0 as assess_p50,
            quantile_cont(date_diff('second', own.executed_at, own.assessed_at), 0.9) / 3600.0 as assess_p90,
            quantile_cont(date_diff('second', own.assessed_at, own.finished_at), 0.5) / 3600.0 as finish_p50,
            quantile_cont(date_diff('second', own.assessed_at, own.finished_at), 0.9) / 3600.0 as finish_p90
        from own
        group by own.month_on, own.scope_code, own.level_no
    )

select
    counted.month_on,
    counted.division_code,
    counted.level_no,
    counted.due_n,
    counted.on_time_n,
    counted.overdue_n,
    counted.open_n,
    counted.rechecked_n,
    counted.passed_n,
    counted.failed_n,
    counted.due_wrong_n,
    counted.departments_mean_n,
    cast(100.0 * counted.passed_n / counted.due_n as decimal(6, 2)) as closed_loop_pct,
    cast(100.0 * counted.on_time_n / counted.due_n as decimal(6, 2)) as on_time_pct,
    cast(counted.draft_p50 as decimal(10, 1)) as draft_p50_hours,
    cast(counted.draft_p90 as decimal(10, 1)) as draft_p90_hours,
    cast(counted.review_p50 as decimal(10, 1)) as review_p50_hours,
    cast(counted.review_p90 as decimal(10, 1)) as review_p90_hours,
    cast(counted.issue_p50 as decimal(10, 1)) as issue_p50_hours,
    cast(counted.issue_p90 as decimal(10, 1)) as issue_p90_hours,
    cast(counted.execute_p50 as decimal(10, 1)) as execute_p50_hours,
    cast(counted.execute_p90 as decimal(10, 1)) as execute_p90_hours,
    cast(counted.assess_p50 as decimal(10, 1)) as assess_p50_hours,
    cast(counted.assess_p90 as decimal(10, 1)) as assess_p90_hours,
    cast(counted.finish_p50 as decimal(10, 1)) as finish_p50_hours,
    cast(counted.finish_p90 as decimal(10, 1)) as finish_p90_hours
from counted
