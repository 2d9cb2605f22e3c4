{{ config(enabled=fed_by('disease_week')) }}
with
    versions as (
        select
            input.*,
            row_number() over (
                partition by input.disease_week_key
                order by
                    input.version_at desc,
                    input.delivered_on desc,
                    input.landed_at desc,
                    input.file_name desc,
                    input.record_no desc
            ) as newest_no,
            count(*) over (partition by input.disease_week_key) as versions_n,
            min(input.delivered_on) over (partition by input.disease_week_key) as first_delivered_on
        from {{ ref('input_disease_week') }} as input
    )

select
    versions.disease_key,
    versions.division_code,
    versions.week_on,
    cast(isoyear(versions.week_on) as integer) as iso_year,
    cast(week(versions.week_on) as integer) as iso_week,
    versions.disease_name,
    versions.class_name,
    cast(versions.cases_n as bigint) as cases_n,
    versions.is_by_onset,
    versions.versions_n,
    versions.first_delivered_on,
    versions.delivered_on
from versions
where versions.newest_no = 1
