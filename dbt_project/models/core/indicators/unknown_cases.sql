{{ config(enabled=fed_by('case', 'grid')) }}
-- Asked again after the case was opened again, the caller did not answer: the order keeps the answer of the first visit
-- and has lost its day.
with
    answered as (
        select
            counted.place_code as division_code,
            {{ civil_date('counted.created_at') }} as from_on,
            {{ civil_date('counted.visit_tried_at') }} as until_on
        from {{ ref('case_counted') }} as counted
        inner join {{ ref('case_source') }} as source on counted.source_system = source.source_system
        where source.is_hotline and counted.satisfaction_no is not null and counted.visited_at is null
    ),

    terms as (
        select cast(max(counted.due_on - {{ civil_date('counted.dispatched_at') }}) as integer) as longest_days
        from {{ ref('case_counted') }} as counted
        inner join {{ ref('case_source') }} as source on counted.source_system = source.source_system
        where source.is_hotline and counted.is_to_settle and counted.rework_n = 0
    ),

    -- Opened again without a deadline: of a first one the rule says it.
    undue as (
        select
            counted.place_code as division_code,
            {{ civil_date('counted.dispatched_at') }} as from_on,
            cast(coalesce(counted.settled_on, {{ as_of() }}) + terms.longest_days as date) as until_on
        from {{ ref('case_counted') }} as counted
        inner join {{ ref('case_source') }} as source on counted.source_system = source.source_system
        cross join terms
        where source.is_hotline and counted.is_to_settle and counted.deadline_at is null
    )

{% for part, variant in [
    ('satisfaction_rate', 'weighted'), ('satisfaction_rate', 'plain'), ('satisfaction_low', ''), ('satisfaction_high', ''),
    ('solved_rate', ''),
] -%}
        {{ unknown_part('I04', part, 'answered', 'fact.from_on', 'fact.until_on', variant="'" ~ variant ~ "'") }}
    {% if not loop.last %}
        union all
    {% endif %}
{%- endfor %}
{% for part in ['due', 'on_time_rate'] -%}
    union all
    {{ unknown_part('I03', part, 'undue', 'fact.from_on', 'fact.until_on') }}
{% endfor -%}
