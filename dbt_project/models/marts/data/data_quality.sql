with
    reporting_window as ({{ indicator_windows() }}),

    counted as (
        select
            day.dataset,
            reporting_window.window_kind,
            reporting_window.first_on,
            reporting_window.last_on,
            cast(sum(day.due_n) as bigint) as due_n,
            cast(sum(day.came_n) as bigint) as came_n,
            cast(sum(day.observed_n) as bigint) as observed_n,
            cast(sum(day.timely_n) as bigint) as timely_n,
            cast(sum(day.delivered_n) as bigint) as delivered_n,
            cast(sum(day.accepted_n) as bigint) as accepted_n,
            cast(sum(day.quarantined_n) as bigint) as quarantined_n,
            cast(sum(day.unchanged_n) as bigint) as unchanged_n,
            count(*) filter (where day.is_held) as held_days_n,
            cast(sum(day.warned_n) as bigint) as warned_n,
            cast(sum(day.doubted_n) as bigint) as doubted_n,
            cast(sum(day.unlinked_n) as bigint) as unlinked_n,
            cast(sum(day.checks_failed_n) as bigint) as checks_failed_n
        from reporting_window
        inner join
            {{ ref('data_day') }} as day
            on day.day_on >= reporting_window.first_on
            and day.day_on <= reporting_window.last_on
        group by day.dataset, reporting_window.window_kind, reporting_window.first_on, reporting_window.last_on
    ),

    by_check as (
        select
            reporting_window.window_kind,
            reporting_window.first_on,
            result.dataset,
            result.check_id,
            sum(result.failed_n) as failed_n
        from reporting_window
        inner join
            {{ ref('fct_dq_result') }} as result
            on result.day_on >= reporting_window.first_on
            and result.day_on <= reporting_window.last_on
        group by reporting_window.window_kind, reporting_window.first_on, result.dataset, result.check_id
    ),

    by_rule as (
        select
            by_check.window_kind,
            by_check.first_on,
            by_check.dataset,
            arg_min(by_check.check_id, (- by_check.failed_n, by_check.check_id)) as worst_check_id,
            cast(max(by_check.failed_n) as bigint) as worst_check_n,
            string_agg(
                by_check.check_id || ' ' || by_check.failed_n,
                '; '
                order by by_check.failed_n desc, by_check.check_id asc
            ) as warnings_by_rule
        from by_check
        group by by_check.window_kind, by_check.first_on, by_check.dataset
    ),

    rated as (
        select
            counted.*,
            cast(100.0 * counted.timely_n / nullif(counted.observed_n, 0) as decimal(6, 2)) as timely_pct,
            cast(100.0 * counted.came_n / nullif(counted.due_n, 0) as decimal(6, 2)) as complete_pct,
            cast(
                100.0 * counted.accepted_n / nullif(counted.accepted_n + counted.quarantined_n, 0) as decimal(6, 2)
            ) as pass_pct,
            cast(
                100.0 * (counted.accepted_n - counted.doubted_n) / nullif(counted.accepted_n, 0) as decimal(6, 2)
            ) as clean_pct,
            cast(
                100.0 * (counted.accepted_n - counted.unlinked_n) / nullif(counted.accepted_n, 0) as decimal(6, 2)
            ) as linked_pct
        from counted
    ),

    component as (
        select
            long.dataset,
            long.window_kind,
            long.first_on,
            replace(long.component, '_pct', '') as component,
            long.rate_pct
        from
            (
                unpivot (
                    select
                        rated.dataset,
                        rated.window_kind,
                        rated.first_on,
                        rated.timely_pct,
                        rated.complete_pct,
                        rated.pass_pct,
                        rated.clean_pct,
                        rated.linked_pct
                    from rated
                )
                on timely_pct,
                complete_pct,
                pass_pct,
                clean_pct,
                linked_pct
                into name component value rate_pct
            ) as long
    ),

    score as (
        select
            component.dataset,
            component.window_kind,
            component.first_on,
            cast(sum(component.rate_pct * weight.weight) / sum(weight.weight) as decimal(6, 2)) as score_pct
        from component
        inner join
            {{ ref('data_quality_weight') }} as weight
            on component.component = weight.component
            and weight.valid_from <= {{ as_of() }}
            and (weight.valid_to is null or {{ as_of() }} < weight.valid_to)
        group by component.dataset, component.window_kind, component.first_on
    ),

    graded as (
        select
            score.dataset,
            score.window_kind,
            score.first_on,
            any_value(score.score_pct) as score_pct,
            arg_max(grade.grade, grade.score_from_pct) as grade,
            arg_max(grade.is_usable, grade.score_from_pct) as is_usable
        from score
        inner join
            {{ ref('data_quality_grade') }} as grade
            on score.score_pct >= grade.score_from_pct
            and grade.valid_from <= {{ as_of() }}
            and (grade.valid_to is null or {{ as_of() }} < grade.valid_to)
        group by score.dataset, score.window_kind, score.first_on
    )

select
    rated.dataset,
    rated.window_kind,
    rated.first_on,
    rated.last_on,
    dataset.title_zh,
    dataset.department,
    rated.due_n,
    rated.came_n,
    rated.observed_n,
    rated.timely_n,
    rated.delivered_n,
    rated.accepted_n,
    rated.quarantined_n,
    rated.unchanged_n,
    rated.held_days_n,
    rated.warned_n,
    rated.checks_failed_n,
    by_rule.worst_check_id,
    by_rule.worst_check_n,
    by_rule.warnings_by_rule,
    rated.timely_pct,
    rated.complete_pct,
    rated.pass_pct,
    rated.clean_pct,
    rated.linked_pct,
    graded.score_pct,
    graded.grade,
    graded.is_usable
from rated
inner join {{ source('lake_build', 'datasets') }} as dataset on rated.dataset = dataset.dataset
left join
    by_rule
    on rated.dataset = by_rule.dataset
    and rated.window_kind = by_rule.window_kind
    and rated.first_on = by_rule.first_on
left join
    graded
    on rated.dataset = graded.dataset
    and rated.window_kind = graded.window_kind
    and rated.first_on = graded.first_on
