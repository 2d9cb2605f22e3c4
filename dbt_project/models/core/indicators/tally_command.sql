{{ config(enabled=fed_by('command_lead', 'instruction', 'instruction_step', 'service_item', 'service_rating', 'petition')) }}
select
    'I09' as indicator_id,
    'generated' as part,
    '' as variant,
    fact.pushed_on as day_on,
    fact.division_code,
    cast(count(*) as decimal(24, 6)) as numerator,
    cast(null as decimal(24, 6)) as denominator
from {{ ref('fct_command_lead') }} as fact
where not fact.is_copy
group by fact.pushed_on, fact.division_code
union all
select
    'I09' as indicator_id,
    'pushed' as part,
    '' as variant,
    fact.pushed_on as day_on,
    fact.division_code,
    cast(count(*) as decimal(24, 6)) as numerator,
    cast(null as decimal(24, 6)) as denominator
from {{ ref('fct_command_lead') }} as fact
where not fact.is_copy
group by fact.pushed_on, fact.division_code
union all
select
    'I09' as indicator_id,
    'verified' as part,
    '' as variant,
    fact.verified_on as day_on,
    fact.division_code,
    cast(count(*) as decimal(24, 6)) as numerator,
    cast(null as decimal(24, 6)) as denominator
from {{ ref('fct_command_lead') }} as fact
where not fact.is_copy and fact.verified_on is not null
group by fact.verified_on, fact.division_code
union all
select
    'I09' as indicator_id,
    'confirmed' as part,
    '' as variant,
    fact.verified_on as day_on,
    fact.division_code,
    cast(count(*) filter (where fact.is_confirmed) as decimal(24, 6)) as numerator,
    cast(null as decimal(24, 6)) as denominator
from {{ ref('fct_command_lead') }} as fact
where not fact.is_copy and fact.verified_on is not null
group by fact.verified_on, fact.division_code
union all
select
    'I09' as indicator_id,
    'confirmed_rate' as part,
    '' as variant,
    fact.verified_on as day_on,
    fact.division_code,
    cast(count(*) filter (where fact.is_confirmed) as decimal(24, 6)) as numerator,
    cast(count(*) as decimal(24, 6)) as denominator
from {{ ref('fct_command_lead') }} as fact
where not fact.is_copy and fact.verified_on is not null
group by fact.verified_on, fact.division_code
union all
select
    'I09' as indicator_id,
    'verified_rate' as part,
    '' as variant,
    fact.pushed_on as day_on,
    fact.division_code,
    cast(count(fact.verified_on) as decimal(24, 6)) as numerator,
    cast(count(*) as decimal(24, 6)) as denominator
from {{ ref('fct_command_lead') }} as fact
where not fact.is_copy
group by fact.pushed_on, fact.division_code
union all
select
    'I11' as indicator_id,
    'closed_loop_rate' as part,
    '' as variant,
    {{ civil_date('fact.due_at') }} as day_on,
    fact.division_code,
    cast(count(*) filter (where fact.is_passed and fact.rechecked_at is not null) as decimal(24, 6)) as numerator,
    cast(count(*) as decimal(24, 6)) as denominator
from {{ ref('fct_instruction') }} as fact
where fact.due_at is not null
group by {{ civil_date('fact.due_at') }}, fact.division_code
union all
select
    'I11' as indicator_id,
    'overdue' as part,
    '' as variant,
    {{ civil_date('fact.due_at') }} as day_on,
    fact.division_code,
    cast(count(*) filter (where fact.finished_at is null or fact.finished_at > fact.due_at) as decimal(24, 6)) as numerator,
    cast(null as decimal(24, 6)) as denominator
from {{ ref('fct_instruction') }} as fact
where fact.due_at is not null
group by {{ civil_date('fact.due_at') }}, fact.division_code
union all
select
    'I18' as indicator_id,
    'confirmed' as part,
    '' as variant,
    fact.verified_on as day_on,
    fact.division_code,
    cast(count(*) filter (where fact.is_confirmed) as decimal(24, 6)) as numerator,
    cast(null as decimal(24, 6)) as denominator
from {{ ref('fct_command_lead') }} as fact
where not fact.is_copy and fact.verified_on is not null and fact.model_id in (select rental.model_id from {{ ref('group_rental_model') }} as rental)
group by fact.verified_on, fact.division_code
union all
select
    'I23' as indicator_id,
    'rating' as part,
    '' as variant,
    fact.rated_on as day_on,
    fact.division_code,
    cast(sum(fact.score_no) as decimal(24, 6)) as numerator,
    cast(count(*) as decimal(24, 6)) as denominator
from {{ ref('fct_service_rating') }} as fact
where not fact.is_default_score
group by fact.rated_on, fact.division_code
union all
select
    'I23' as indicator_id,
    'petitions' as part,
    '' as variant,
    fact.received_on as day_on,
    fact.division_code,
    cast(count(*) as decimal(24, 6)) as numerator,
    cast(null as decimal(24, 6)) as denominator
from {{ ref('fct_petition') }} as fact

group by fact.received_on, fact.division_code
