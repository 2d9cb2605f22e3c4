{{ config(enabled=fed_by('traffic_crash', 'fire_incident', 'disease_week')) }}
with
    crashes as (
        select
            crash.occurred_on as day_on,
            crash.division_code,
            crash.deaths_n,
            crash.hurt_n,
            crash.is_casualty,
            crash.epdo,
            {{ accident_grade('crash.deaths_n', 'crash.hurt_n', '0', 'crash.occurred_on') }} as level_no
        from {{ ref('crash_on_road') }} as crash
    ),

    fires as (
        select
            fire.alarmed_on as day_on,
            fire.division_code,
            coalesce(fire.deaths_n, 0) as deaths_n,
            coalesce(fire.injuries_n, 0) as hurt_n,
            coalesce(fire.loss_cny, 0) as loss_cny,
            {{ accident_grade('fire.deaths_n', 'fire.injuries_n', 'coalesce(fire.loss_cny, 0)', 'fire.alarmed_on') }}
            as level_no
        from {{ ref('fct_fire_incident') }} as fire
        where fire.is_fire
    ),

    emergencies as (
        select
            '12H' as class_code,
            crashes.day_on,
            crashes.division_code,
            crashes.deaths_n,
            crashes.hurt_n,
            crashes.level_no
        from crashes
        where crashes.is_casualty
        union all
        select '12G' as class_code, fires.day_on, fires.division_code, fires.deaths_n, fires.hurt_n, fires.level_no
        from fires
    ),

    leveled as (
        select
            emergencies.day_on,
            emergencies.division_code,
            emergencies.class_code || ':' || level.level_no as variant,
            emergencies.level_no = level.level_no as is_of_level
        from emergencies
        cross join {{ ref('std_event_level') }} as level
    )

    {{ tally_part('I05', 'events', 'emergencies', 'fact.day_on', variant='fact.class_code') }}
union all
{{ tally_part('I05', 'deaths', 'emergencies', 'fact.day_on', 'sum(fact.deaths_n)', variant='fact.class_code') }}
union all
{{ tally_part('I05', 'injured', 'emergencies', 'fact.day_on', 'sum(fact.hurt_n)', variant='fact.class_code') }}
union all
{{ tally_part('I05', 'events_by_level', 'leveled', 'fact.day_on', 'count(*) filter (where fact.is_of_level)',
    variant='fact.variant') }}
union all
{{ tally_part('I06', 'deaths_per_100k', 'emergencies', 'fact.day_on', 'sum(fact.deaths_n)') }}
union all
{{ tally_part('I13', 'epdo', 'crashes', 'fact.day_on', 'sum(fact.epdo)') }}
union all
{{ tally_part('I14', 'fires', 'fires', 'fact.day_on') }}
union all
{{ tally_part('I14', 'deaths', 'fires', 'fact.day_on', 'sum(fact.deaths_n)') }}
union all
{{ tally_part('I14', 'loss_wan', 'fires', 'fact.day_on', wan_of('sum(fact.loss_cny)')) }}
union all
{{ tally_part('I14', 'fires_per_10k', 'fires', 'fact.day_on') }}
union all
{{ tally_part('I16', 'cases', ref('fct_disease_week'), 'fact.week_on', 'sum(fact.cases_n)') }}
