{{ config(enabled=fed_by('accident', 'hazard', 'dust_hour')) }}
with
    root as (
        select division.division_code
        from {{ ref('dim_admin_division') }} as division
        where division.parent_code is null
    ),

    -- A day on which nothing happened is nought and not missing.
    noughts as (
        select nothing.indicator_id, unnest(nothing.parts) as part, indicator_window.first_on as day_on
        from ({{ indicator_windows() }}) as indicator_window
        cross join
            (
                select 'I05' as indicator_id, ['events', 'deaths', 'injured'] as parts
                union all
                select 'I07' as indicator_id, ['found', 'found_major'] as parts
                union all
                select 'I17' as indicator_id, ['dust_hours'] as parts
            ) as nothing
        where indicator_window.first_on = indicator_window.last_on
    ),

    counted as (
        select
            noughts.indicator_id,
            noughts.part,
            case when accident_variant.indicator_id is null then '' else accident_variant.variant end as variant,
            noughts.day_on,
            cast(null as varchar) as division_code,
            0 as numerator,
            cast(null as integer) as denominator
        from noughts
        left join
            (select 'I05' as indicator_id, '12F' as variant) as accident_variant
            on noughts.indicator_id = accident_variant.indicator_id
        union all
        select
            'I05' as indicator_id,
            'events_by_level' as part,
            '12F:' || level.level_no as variant,
            indicator_window.first_on as day_on,
            cast(null as varchar) as division_code,
            0 as numerator,
            cast(null as integer) as denominator
        from ({{ indicator_windows() }}) as indicator_window
        cross join {{ ref('std_event_level') }} as level
        where indicator_window.first_on = indicator_window.last_on
        union all
        select
            'I05' as indicator_id,
            unnest(['events', 'deaths', 'injured']) as part,
            '12F' as variant,
            accident.occurred_on as day_on,
            accident.division_code,
            unnest([1, accident.deaths_n, accident.injuries_n]) as numerator,
            cast(null as integer) as denominator
        from {{ ref('fct_accident') }} as accident
        union all
        select
            'I05' as indicator_id,
            'events_by_level' as part,
            '12F:' || accident.grade_no as variant,
            accident.occurred_on as day_on,
            accident.division_code,
            1 as numerator,
            cast(null as integer) as denominator
        from {{ ref('fct_accident') }} as accident
        union all
        select
            'I07' as indicator_id,
            unnest(['found', 'found_major', 'closed_rate']) as part,
            '' as variant,
            hazard.found_on as day_on,
            hazard.division_code,
            unnest([1, cast(hazard.is_major as integer), cast(hazard.is_closed as integer)]) as numerator,
            unnest([null, null, 1]) as denominator
        from {{ ref('fct_hazard_item') }} as hazard
        union all
        select
            'I07' as indicator_id,
            'on_time_rate' as part,
            '' as variant,
            hazard.due_on as day_on,
            hazard.division_code,
            cast(coalesce(hazard.closed_on <= hazard.due_on, false) as integer) as numerator,
            1 as denominator
        from {{ ref('fct_hazard_item') }} as hazard
        where not hazard.is_due_unknown
        union all
        select
            'I17' as indicator_id,
            'dust_hours' as part,
            '' as variant,
            dust.day_on,
            dust.division_code,
            dust.hours_over_n as numerator,
            cast(null as integer) as denominator
        from {{ ref('fct_dust_daily') }} as dust
    )

select
    counted.indicator_id,
    counted.part,
    counted.variant,
    counted.day_on,
    coalesce(counted.division_code, root.division_code) as division_code,
    cast(sum(counted.numerator) as decimal(24, 6)) as numerator,
    cast(sum(counted.denominator) as decimal(24, 6)) as denominator
from counted
cross join root
group by
    counted.indicator_id,
    counted.part,
    counted.variant,
    counted.day_on,
    coalesce(counted.division_code, root.division_code)
