{{ config(enabled=fed_by('accident')) }}
with
    versions as (
        select
            input.*,
            row_number() over (
                partition by input.accident_key
                order by
                    input.version_at desc,
                    input.delivered_on desc,
                    input.landed_at desc,
                    input.file_name desc,
                    input.record_no desc
            ) as newest_no
        from {{ ref('input_accident') }} as input
    ),

    graded as (
        select
            newest.*,
            (
                select min(grade.grade_no)
                from {{ ref('std_accident_grade') }} as grade
                where
                    grade.valid_from <= newest.occurred_on
                    and (grade.valid_to is null or newest.occurred_on < grade.valid_to)
                    and (
                        newest.deaths_n >= grade.deaths_from_n
                        or newest.injuries_n >= grade.injuries_from_n
                        or newest.loss_cny >= grade.loss_from_cny
                    )
            ) as grade_no
        from versions as newest
        where newest.newest_no = 1
    )

select
    graded.accident_key,
    graded.accident_no,
    graded.enterprise_key,
    graded.department_key,
    graded.event_code,
    graded.grade_no,
    graded.stated_grade_no,
    coalesce(graded.stated_grade_no <> graded.grade_no, false) as is_grade_wrong,
    graded.occurred_at,
    graded.occurred_on,
    graded.reported_at,
    graded.deaths_n,
    first_report.deaths_n as first_deaths_n,
    graded.injuries_n,
    graded.loss_cny,
    graded.is_loss_repaired,
    coalesce(
        {{ seconds_between('graded.occurred_at', 'graded.reported_at') }}
        <= {{ seconds_of(threshold('accident_report_hours')) }},
        false
    ) as is_report_timely,
    graded.division_code,
    graded.delivered_on
from graded
inner join
    (
        select
            versions.accident_key,
            min_by(
                versions.deaths_n,
                (versions.version_at, versions.delivered_on, versions.landed_at, versions.file_name, versions.record_no)
            ) as deaths_n
        from versions
        group by versions.accident_key
    ) as first_report
    on graded.accident_key = first_report.accident_key
