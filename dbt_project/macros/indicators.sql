{# Windows of indicators: window_kind, first_on, last_on. #}
{% macro indicator_windows() -%}
    select indicator_window.window_kind, indicator_window.first_on, indicator_window.last_on
    from {{ ref('indicator_window') }} as indicator_window
{%- endmacro %}

{# Divisions of indicators, those of which anything is delivered: division_code, level_no, scope, resident_population_n. #}
{% macro indicator_places() -%}
    select residents.division_code, residents.resident_population_n, level.level_no, level.scope
    from {{ ref('division_residents') }} as residents
    inner join {{ ref('division') }} as division on residents.division_code = division.division_code
    inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
{%- endmacro %}

{# Rows of a tally: one part of an indicator counted by day and division out of a fact, which is called `fact` in what is
   given. Without a denominator the part is a count. #}
{% macro tally_part(indicator_id, part, relation, day_on, numerator='count(*)', denominator='null', condition='true', variant="''") -%}
    select
        '{{ indicator_id }}' as indicator_id,
        '{{ part }}' as part,
        {{ variant }} as variant,
        {{ day_on }} as day_on,
        fact.division_code,
        cast({{ numerator }} as decimal(24, 6)) as numerator,
        cast({{ denominator }} as decimal(24, 6)) as denominator
    from {{ relation }} as fact
    where {{ day_on }} is not null and {{ condition }}
    group by {{ day_on }}, fact.division_code{% if variant != "''" %}, {{ variant }}{% endif %}
{%- endmacro %}

{# Rows of what is known not to be known: facts that count for a part, called `fact`, of which what counts was told wrongly
   or not at all. They lie on one of the days from_on to until_on. Where every division is measured by itself (`is_own`),
   what is not known of one says nothing of those it lies in. #}
{% macro unknown_part(indicator_id, part, relation, from_on, until_on, condition='true', variant="''", is_own=false) -%}
    select
        '{{ indicator_id }}' as indicator_id,
        '{{ part }}' as part,
        {{ variant }} as variant,
        {{ from_on }} as from_on,
        {{ until_on }} as until_on,
        fact.division_code,
        {{ 'true' if is_own else 'false' }} as is_own,
        count(*) as facts_n
    from {{ relation }} as fact
    where {{ from_on }} is not null and {{ until_on }} is not null and {{ condition }}
    group by {{ from_on }}, {{ until_on }}, fact.division_code{% if variant != "''" %}, {{ variant }}{% endif %}
{%- endmacro %}

{# The models a city has of those that count by day and division, measure by window, or say what is not known: name and the inputs it stands on. #}
{% macro indicator_models(kind) -%}
    {%- set models = {
        'tally': {
            'tally_cases': ['case', 'grid'],
            'tally_command': ['command_lead', 'instruction', 'instruction_step', 'service_item', 'service_rating', 'petition'],
            'tally_data': [],
            'tally_grid': ['case', 'grid'],
            'tally_networks': ['emission_hour', 'module_probe_day'],
            'tally_production': ['accident', 'hazard', 'dust_hour'],
            'tally_readiness': ['drill'],
            'tally_safety': ['traffic_crash', 'fire_incident', 'disease_week'],
        },
        'measure': {
            'measure_air': ['air_hour'],
            'measure_cases': ['case', 'grid'],
            'measure_checkup': ['health_check', 'survey', 'grid'],
            'measure_command': ['command_lead', 'instruction', 'instruction_step', 'grid'],
            'measure_data': [],
            'measure_grid': ['case', 'grid', 'grid_party'],
            'measure_networks': ['economic_figure', 'water_sample', 'grid_party', 'grid'],
            'measure_production': ['hazard', 'equipment', 'enterprise', 'major_hazard_day'],
            'measure_readiness': ['plan', 'stock', 'shelter', 'grid'],
            'measure_safety': ['traffic_crash', 'fire_incident', 'ems_call', 'police_incident', 'disease_week', 'vehicle_register'],
        },
        'unknown': {
            'unknown_cases': ['case', 'grid'],
            'unknown_checkup': ['health_check', 'survey', 'grid'],
            'unknown_command': ['command_lead', 'instruction', 'instruction_step'],
            'unknown_data': [],
            'unknown_production': ['hazard', 'equipment', 'dust_hour'],
            'unknown_safety': ['fire_incident', 'ems_call', 'police_incident'],
        },
    }[kind] -%}
    {%- set there = [] -%}
    {%- for name, inputs in models.items() if fed_by(*inputs) -%} {%- do there.append(name) -%} {%- endfor -%}
    {{ return(there) }}
{%- endmacro %}

{# Whole months of indicators: month_on, last_on. #}
{% macro indicator_months() -%}
    select span.first_on as month_on, span.last_on
    from ({{ indicator_windows() }}) as span
    inner join {{ ref('mart_window') }} as form on span.window_kind = form.window_kind and form.is_monthly
{%- endmacro %}

{# Windows of indicators of the kinds that a mart has by a flag of mart_window, and which of a kind is the newest. #}
{% macro mart_windows(is_of_mart) -%}
    select
        span.window_kind,
        span.first_on,
        span.last_on,
        span.last_on = max(span.last_on) over (partition by span.window_kind) as is_newest
    from ({{ indicator_windows() }}) as span
    inner join {{ ref('mart_window') }} as form on span.window_kind = form.window_kind and form.{{ is_of_mart }}
{%- endmacro %}

{# Rows of a relation with a day and a division, measured by month (a CTE `months` of the model) and by every division they
   lie in: month_on, scope_code and the measures, in which the relation is called `told`. #}
{% macro by_month_and_scope(relation, day, measures) -%}
    select months.month_on, scope.scope_code, {{ measures | join(',\n        ') }}
    from months
    inner join {{ relation }} as told on told.{{ day }} between months.month_on and months.last_on
    inner join
        {{ ref('bridge_division_scope') }} as scope on told.division_code is not distinct from scope.division_code
    group by months.month_on, scope.scope_code
{%- endmacro %}
