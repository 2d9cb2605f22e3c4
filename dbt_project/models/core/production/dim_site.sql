{{ config(enabled=fed_by('site')) }}
select
    site.site_key,
    site.site_no,
    site.site_name,
    site.builder,
    site.permit_no,
    site.stage_zh,
    site.works_key,
    site.is_hazardous_works,
    site.is_dig,
    site.is_pipe_protected,
    site.has_dust_device,
    site.area_m2,
    site.started_on,
    site.planned_end_on,
    site.ended_on,
    site.progress_pct,
    site.site_status,
    -- Finished and accepted, whatever its state says.
    site.is_stated_at_work and coalesce(site.ended_on > {{ as_of() }}, true) as is_at_work,
    site.is_stated_at_work and coalesce(site.ended_on <= {{ as_of() }}, false) as is_finished_but_active,
    {{ civil_date('site.version_at') }} as reported_on,
    site.latitude,
    site.longitude,
    site.division_code,
    site.delivered_on
from
    (
        select
            input.*,
            row_number() over (
                partition by input.site_key
                order by
                    input.version_at desc,
                    input.delivered_on desc,
                    input.landed_at desc,
                    input.file_name desc,
                    input.record_no desc
            ) as newest_no
        from {{ ref('input_site') }} as input
    ) as site
where site.newest_no = 1
