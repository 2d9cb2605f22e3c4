{{ config(enabled=fed_by('police_incident')) }}
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
            ) as newest_no,
            row_number() over (
                partition by input.incident_key
                order by input.version_at, input.delivered_on, input.landed_at, input.file_name, input.record_no
            ) as oldest_no
        from {{ ref('input_police_incident') }} as input
    ),

    newest as (
        select
            versions.*,
            first_version.category_4 as first_category_4,
            first_version.category_1 as first_category_1,
            -- The call before it from the same place that was filed under the same at first.
            lag(versions.incident_key) over (same_place) as previous_incident_key,
            lag(versions.called_at) over (same_place) as previous_called_at
        from versions
        inner join
            versions as first_version
            on versions.incident_key = first_version.incident_key
            and first_version.oldest_no = 1
        where versions.newest_no = 1
        window
            same_place as (
                partition by versions.place_key, first_version.category_4
                order by versions.called_at, versions.incident_key
            )
    ),

    paired as (
        select
            newest.*,
            case
                when newest.main_incident_key is not null
                then newest.main_incident_key
                when
                    newest.place_key is not null
                    and date_diff('second', newest.previous_called_at, newest.called_at)
                    <= {{ threshold('police_second_call_seconds') }}
                then newest.previous_incident_key
            end as same_as_incident_key
        from newest
    )

select
    paired.incident_key,
    paired.called_at,
    paired.called_on,
    paired.first_category_1,
    paired.first_category_4,
    paired.category_1,
    paired.category_2,
    paired.category_3,
    paired.category_4,
    coalesce(paired.first_category_4 != paired.category_4, false) as is_recategorised,
    paired.is_fraud,
    paired.is_theft,
    paired.is_violence,
    paired.is_vice,
    paired.is_dispute,
    paired.is_traffic,
    paired.is_lost_person,
    paired.is_gathering,
    paired.is_nuisance,
    paired.same_as_incident_key,
    paired.same_as_incident_key is not null as is_repeat,
    paired.main_incident_key is not null as is_repeat_stated,
    paired.arrived_at,
    paired.closed_at,
    paired.disposal,
    paired.amount_wan,
    paired.police_unit,
    paired.place_key,
    paired.grid_id,
    paired.division_code,
    paired.latitude,
    paired.longitude,
    paired.delivered_on
from paired
