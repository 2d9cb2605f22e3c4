{{ config(enabled=fed_by('dispute')) }}
with newest as ({{ newest_versions('dispute_key', ref('input_dispute')) }})

select
    newest.dispute_key,
    newest.dispute_id,
    newest.dispute_type,
    newest.source_zh,
    newest.parties_n,
    newest.amount_cny,
    newest.place_key,
    newest.opened_at,
    {{ civil_date('newest.opened_at') }} as accepted_on,
    newest.mediated_at,
    newest.closed_at,
    {{ civil_date('newest.closed_at') }} as closed_on,
    newest.result,
    newest.is_solved,
    newest.is_failed,
    newest.planned_at,
    newest.division_code,
    newest.delivered_on
from newest
