{{ config(enabled=fed_by('command_lead')) }}
with
    told as (
        select
            version.lead_key,
            -- A result that a later version wrote over with words that say nothing is the last that said something.
            arg_max(version.result, version.version_at) filter (where version.result is not null) as result,
            bool_or(version.is_confirmed) as ever_confirmed,
            min(version.version_at) filter (where version.verified_at is not null) as seen_verified_at,
            arg_min(version.closed_at is not null, version.version_at) filter (
                where version.verified_at is not null
            ) as was_closed_when_seen
        from {{ ref('input_command_lead') }} as version
        group by version.lead_key
    ),

    newest as ({{ newest_versions('lead_key', ref('input_command_lead')) }}),

    -- The same lead once more under another number.
    numbered as (
        select
            newest.*,
            row_number() over (
                partition by newest.model_id, newest.subject_key, newest.pushed_at order by newest.lead_id
            ) as copy_no
        from newest
    ),

    results as (
        select distinct lead_result.result, lead_result.is_confirmed, lead_result.is_false, lead_result.is_unverifiable
        from {{ ref('lead_result') }} as lead_result
    )

select
    numbered.lead_key,
    numbered.lead_id,
    numbered.model_id,
    numbered.subject_kind,
    numbered.subject_no,
    numbered.subject_key,
    numbered.grid_id,
    numbered.level_no,
    numbered.department_key,
    numbered.pushed_at,
    {{ civil_date('numbered.pushed_at') }} as pushed_on,
    numbered.due_at,
    numbered.accepted_at,
    -- Verified before it was pushed: entered by hand; the version in which it first stood tells when.
    case
        when numbered.verified_at < numbered.pushed_at then told.seen_verified_at else numbered.verified_at
    end as verified_at,
    {{ civil_date('case when numbered.verified_at < numbered.pushed_at then told.seen_verified_at else numbered.verified_at end') }}
    as verified_on,
    -- Unless it was closed by then: a lead that is confirmed is closed later.
    coalesce(numbered.verified_at < numbered.pushed_at, false)
    and told.was_closed_when_seen
    and coalesce(results.is_confirmed, true) as is_verified_on_unknown,
    told.result,
    coalesce(results.is_confirmed, false) as is_confirmed,
    coalesce(results.is_false, false) as is_false,
    coalesce(results.is_unverifiable, false) as is_unverifiable,
    numbered.closed_at,
    {{ civil_date('numbered.closed_at') }} as closed_on,
    numbered.copy_no > 1 as is_copy,
    numbered.division_code,
    numbered.delivered_on
from numbered
inner join told on numbered.lead_key = told.lead_key
left join results on told.result = results.result
