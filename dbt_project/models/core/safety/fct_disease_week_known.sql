{{ config(enabled=fed_by('disease_week')) }}
with
    versions as (
        select
            input.disease_week_key,
            input.disease_key,
            input.division_code,
            input.week_on,
            input.cases_n,
            input.is_by_onset,
            input.version_at,
            input.delivered_on,
            input.landed_at,
            input.file_name,
            input.record_no,
            {{ civil_date('input.version_at') }} as version_on
        from {{ ref('input_disease_week') }} as input
    ),

    ages as (
        select
            cast(
                unnest(generate_series(0, cast({{ threshold('disease_known_weeks') }} as bigint))) as integer
            ) as weeks_later_n
    ),

    told as (
        select
            versions.*,
            ages.weeks_later_n,
            row_number() over (
                partition by versions.disease_week_key, ages.weeks_later_n
                order by
                    versions.version_at desc,
                    versions.delivered_on desc,
                    versions.landed_at desc,
                    versions.file_name desc,
                    versions.record_no desc
            ) as newest_no
        from versions
        inner join ages on versions.version_on <= versions.week_on + cast(7 * (1 + ages.weeks_later_n) as integer)
    )

select
    told.disease_key,
    told.division_code,
    told.week_on,
    told.weeks_later_n,
    cast(told.cases_n as bigint) as cases_n,
    told.is_by_onset,
    told.version_on
from told
-- A week whose end lies less than so many weeks back is not known for that long.
where told.newest_no = 1 and told.week_on + cast(7 * (1 + told.weeks_later_n) as integer) <= {{ as_of() }}
