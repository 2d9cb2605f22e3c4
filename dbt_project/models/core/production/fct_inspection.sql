{{ config(
    enabled=fed_by('inspection', 'business'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_versions(
        'inspection_key', ref('input_inspection'), 'emergency__inspection', 'fire__inspection', 'market__subject'
    ) }}"
) }}
with newest as ({{ newest_versions('inspection_key', ref('input_inspection')) }})

select
    newest.inspection_key,
    newest.source_system,
    newest.inspection_no,
    newest.enterprise_key,
    newest.uscc,
    -- What was inspected, by whatever the paper knows it: the firm's code, the bureau's number, the address.
    coalesce(newest.uscc, newest.enterprise_key, newest.address_key) as object_key,
    newest.address_key,
    newest.department_key,
    newest.agency_zh,
    newest.inspector_key,
    newest.plan_kind,
    newest.is_self,
    newest.started_at,
    newest.ended_at,
    newest.inspected_on,
    newest.entered_at,
    {{ civil_date('newest.entered_at') }} as entered_on,
    newest.findings_n,
    newest.next_due_on,
    newest.grid_id,
    newest.division_code,
    newest.delivered_on
from newest
