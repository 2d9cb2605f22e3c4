{{ config(schema='staging', materialized='view') }}
select
    fact.*,
    coalesce(fact.division_code, root.division_code) as place_code,
    fact.is_dispatched and not fact.is_void as is_to_settle,
    {{ civil_date('fact.accepted_at') }} as accepted_on,
    {{ civil_date('fact.settled_at') }} as settled_on,
    {{ civil_date('fact.deadline_at') }} as due_on,
    {{ civil_date('fact.visited_at') }} as visited_on
from {{ ref('fct_case') }} as fact
inner join {{ ref('dim_admin_division') }} as root on root.parent_code is null
inner join
    (
        select feed.subject, min(feed.day_on) as first_on from {{ ref('feed_day') }} as feed group by feed.subject
    ) as begun
    on fact.source_system = begun.subject
    and fact.created_on >= begun.first_on
where fact.duplicate_of_case_key is null
