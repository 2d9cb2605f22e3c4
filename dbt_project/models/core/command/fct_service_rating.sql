{{ config(enabled=fed_by('service_rating', 'service_item')) }}
with newest as ({{ newest_versions('rating_key', ref('input_service_rating')) }})

select
    newest.rating_key,
    newest.item_key,
    newest.item_code,
    newest.score_no,
    newest.rated_at,
    {{ civil_date('newest.rated_at') }} as rated_on,
    -- Five stars to the second so long after the service: the system gave them, nobody did.
    newest.score_no = {{ threshold('default_rating_score') }}
    and {{ seconds_between('service.finished_at', 'newest.rated_at') }}
    = {{ threshold('default_rating_after_s') }} as is_default_score,
    newest.division_code,
    newest.delivered_on
from newest
left join {{ ref('fct_service_item') }} as service on newest.item_key = service.item_key
