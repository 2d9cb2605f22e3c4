{{ config(enabled=fed_by('fire_incident')) }}
with
    versions as (
        select
            input.*,
            row_number() over (
                partition by input.incident_key
                order by
                    input.version_at desc,
                    input.delivered_on desc,
                    input.landed_at desc,
                    input.file_name desc,
                    input.record_no desc
            ) as newest_no
        from {{ ref('input_fire_incident') }} as input
    )

select
    versions.incident_key,
    versions.event_code,
    versions.is_fire,
    versions.is_false_alarm,
    versions.alarmed_at,
    versions.alarmed_on,
    versions.dispatched_at,
    versions.arrived_at,
    versions.closed_at,
    versions.unit_uscc,
    versions.unit_name,
    versions.place_key,
    versions.grid_id,
    versions.division_code,
    versions.latitude,
    versions.longitude,
    versions.cause,
    versions.deaths_n,
    versions.injuries_n,
    versions.engines_n,
    versions.loss_cny,
    versions.delivered_on
from versions
where versions.newest_no = 1
