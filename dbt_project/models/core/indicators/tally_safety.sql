{{ config(enabled=fed_by('traffic_crash', 'fire_incident', 'disease_week')) }}
with crashes as (
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
        {{ accident_grade('fire.deaths_n', 'fire.injuries_n', 'coalesce(fire.loss_cny, 0)', 'fire.alarmed_on') }} as level_no
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
    select
        '12G' as class_code,
        fires.day_on,
        fires.division_code,
        fires.deaths_n,
        fires.hurt_n,
        fires.level_no
    from fires
),

counted as (
    select
        'I05' as indicator_id,
        'events' as part,
        emergencies.class_code as variant,
        emergencies.day_on as day_on,
        emergencies.division_code as division_code,
        count(*) as numerator
    from emergencies
    group by emergencies.class_code, emergencies.day_on, emergencies.division_code
    union all
    select
        'I05' as indicator_id,
        'deaths' as part,
        emergencies.class_code as variant,
        emergencies.day_on as day_on,
        emergencies.division_code as division_code,
        sum(emergencies.deaths_n) as numerator
    from emergencies
    group by emergencies.class_code, emergencies.day_on, emergencies.division_code
    union all
    select
        'I05' as indicator_id,
        'injured' as part,
        emergencies.class_code as variant,
        emergencies.day_on as day_on,
        emergencies.division_code as division_code,
        sum(emergencies.hurt_n) as numerator
    from emergencies
    group by emergencies.class_code, emergencies.day_on, emergencies.division_code
    union all
    select
        'I05' as indicator_id,
        'events_by_level' as part,
        emergencies.class_code || ':' || level.level_no as variant,
        emergencies.day_on as day_on,
        emergencies.division_code as division_code,
        count(*) filter (where emergencies.level_no = level.level_no) as numerator
    from emergencies
    cross join {{ ref('std_event_level') }} as level
    group by emergencies.class_code, level.level_no, emergencies.day_on, emergencies.division_code
    union all
    select
        'I06' as indicator_id,
        'deaths_per_100k' as part,
        '' as variant,
        emergencies.day_on as day_on,
        emergencies.division_code as division_code,
        sum(emergencies.deaths_n) as numerator
    from emergencies
    group by emergencies.day_on, emergencies.division_code
    union all
    select
        'I13' as indicator_id,
        'epdo' as part,
        '' as variant,
        crashes.day_on as day_on,
        crashes.division_code as division_code,
        sum(crashes.epdo) as numerator
    from crashes
    group by crashes.day_on, crashes.division_code
    union all
    select
        'I14' as indicator_id,
        'fires' as part,
        '' as variant,
        fires.day_on as day_on,
        fires.division_code as division_code,
        count(*) as numerator
    from fires
    group by fires.day_on, fires.division_code
    union all
    select
        'I14' as indicator_id,
        'deaths' as part,
        '' as variant,
        fires.day_on as day_on,
        fires.division_code as division_code,
        sum(fires.deaths_n) as numerator
    from fires
    group by fires.day_on, fires.division_code
    union all
    select
        'I14' as indicator_id,
        'loss_wan' as part,
        '' as variant,
        fires.day_on as day_on,
        fires.division_code as division_code,
        {{ wan_of('sum(fires.loss_cny)') }} as numerator
    from fires
    group by fires.day_on, fires.division_code
    union all
    select
        'I14' as indicator_id,
        'fires_per_10k' as part,
        '' as variant,
        fires.day_on as day_on,
        fires.division_code as division_code,
        count(*) as numerator
    from fires
    group by fires.day_on, fires.division_code
    union all
    select
        'I16' as indicator_id,
        'cases' as part,
        '' as variant,
        disease.week_on as day_on,
        disease.division_code as division_code,
        sum(disease.cases_n) as numerator
    from {{ ref('fct_disease_week') }} as disease
    group by disease.week_on, disease.division_code
)

select
    counted.indicator_id,
    counted.part,
    counted.variant,
    counted.day_on,
    counted.division_code,
    cast(counted.numerator as decimal(24, 6)) as numerator,
    cast(null as decimal(24, 6)) as denominator
from counted
