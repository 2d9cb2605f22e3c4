{{ config(enabled=fed_by('command_lead', 'instruction', 'instruction_step', 'service_item', 'service_rating', 'petition')) }}
{%- set leads, own = ref('fct_command_lead'), 'not fact.is_copy' -%}
{%- set instructions, due_on = ref('fct_instruction'), civil_date('fact.due_at') -%}
{%- set dated = 'not coalesce(fact.is_due_wrong, false)' -%}
{%- set confirmed = 'count(*) filter (where fact.is_confirmed)' -%}
{%- set of_rental -%}
not fact.is_copy and fact.model_id in (select rental.model_id from {{ ref('group_rental_model') }} as rental)
{%- endset -%}
{{ tally_part('I09', 'generated', leads, 'fact.pushed_on', condition=own) }}
union all
{{ tally_part('I09', 'pushed', leads, 'fact.pushed_on', condition=own) }}
union all
{{ tally_part('I09', 'verified', leads, 'fact.verified_on', condition=own) }}
union all
{{ tally_part('I09', 'confirmed', leads, 'fact.verified_on', confirmed, condition=own) }}
union all
{{ tally_part('I09', 'confirmed_rate', leads, 'fact.verified_on', confirmed, 'count(*)', own) }}
union all
{{ tally_part('I09', 'verified_rate', leads, 'fact.pushed_on', 'count(fact.verified_on)', 'count(*)', own) }}
union all
{{ tally_part(
    'I11', 'closed_loop_rate', instructions, due_on,
    'count(*) filter (where fact.is_passed and fact.rechecked_at is not null)', 'count(*)', dated
) }}
union all
{{ tally_part(
    'I11', 'overdue', instructions, due_on,
    'count(*) filter (where fact.finished_at is null or fact.finished_at > fact.due_at)', condition=dated
) }}
union all
{{ tally_part('I18', 'confirmed', leads, 'fact.verified_on', confirmed, condition=of_rental) }}
union all
{{ tally_part(
    'I23', 'rating', ref('fct_service_rating'), 'fact.rated_on', 'sum(fact.score_no)', 'count(*)', 'not fact.is_default_score'
) }}
union all
{{ tally_part('I23', 'petitions', ref('fct_petition'), 'fact.received_on') }}
