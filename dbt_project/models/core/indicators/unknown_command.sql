{{ config(enabled=fed_by('command_lead', 'instruction', 'instruction_step')) }}
{%- set leads = ref('fct_command_lead') -%}
{%- set mute = 'not fact.is_copy and fact.verified_on is not null and fact.result is null' -%}
{%- set undated = 'not fact.is_copy and fact.is_verified_on_unknown' -%}
{%- set of_rental = ' and fact.model_id in (select rental.model_id from ' ~ ref('group_rental_model') ~ ' as rental)' -%}
with
    terms as (
        select
            cast(
                max({{ civil_date('instruction.due_at') }} - {{ civil_date('instruction.issued_at') }}) as integer
            ) as longest_days
        from {{ ref('fct_instruction') }} as instruction
        where not instruction.is_due_wrong
    ),

    undue as (
        select
            instruction.division_code,
            {{ civil_date('instruction.issued_at') }} as from_on,
            cast({{ civil_date('instruction.issued_at') }} + terms.longest_days as date) as until_on
        from {{ ref('fct_instruction') }} as instruction
        cross join terms
        where instruction.is_due_wrong
    )

-- Closed with a result that says nothing.
{% for indicator_id, part, more in [
    ('I09', 'confirmed', ''), ('I09', 'confirmed_rate', ''), ('I18', 'confirmed', of_rental),
] -%}
        {{ unknown_part(indicator_id, part, leads, 'fact.verified_on', 'fact.verified_on', mute ~ more) }}
    union all
{% endfor -%}
-- Verified on a day that is told wrongly.
{% for indicator_id, part, more in [
    ('I09', 'verified', ''), ('I09', 'confirmed', ''), ('I09', 'confirmed_rate', ''), ('I18', 'confirmed', of_rental),
] -%}
    {{ unknown_part(indicator_id, part, leads, 'fact.pushed_on', 'fact.verified_on', undated ~ more) }}
    union all
{% endfor -%}
-- Due before it was issued: some day up to the longest term there is.
{% for part in ['closed_loop_rate', 'overdue'] -%}
    {{ unknown_part('I11', part, 'undue', 'fact.from_on', 'fact.until_on') }}
    {% if not loop.last %}
        union all
    {% endif %}
{%- endfor %}
