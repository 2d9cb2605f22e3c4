{{ config(enabled=fed_by('drill')) }}
{%- set drills = ref('fct_drill') -%}
{{ tally_part('I21', 'drill_rate', drills, 'fact.planned_on', 'count(fact.held_on)', 'count(*)') }}
union all
{{ tally_part('I21', 'drill_fixed_rate', drills, 'fact.held_on', 'sum(fact.problems_closed_n)', 'sum(fact.problems_n)') }}
