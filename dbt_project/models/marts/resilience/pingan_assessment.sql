{{ config(enabled=fed_by(
    'case', 'grid', 'dispute', 'petition', 'police_incident', 'accident', 'fire_incident', 'traffic_crash', 'survey'
)) }}
-- The indicator roll-up has each window once; months, quarters and years are those of an assessment.
with
    windows as (
        select span.window_kind, span.first_on, span.last_on, span.last_on - span.first_on + 1 as days_n
        from ({{ indicator_windows() }}) as span
        inner join
            {{ ref('reporting_window_kind') }} as form
            on span.window_kind = form.indicator_kind
            and form.length_months >= 1
    ),

    counties as (
        select division.division_code, residents.resident_population_n
        from {{ ref('division') }} as division
        inner join {{ ref('division_level') }} as level on division.level_no = level.level_no and level.is_county
        inner join {{ ref('division_residents') }} as residents on division.division_code = residents.division_code
    ),

    cells as (
        select
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            counties.division_code,
            -- Turns a count of the window into a rate for 10,000 residents and year.
            10000
            * {{ threshold('season_days') }}
            / windows.days_n
            / nullif(counties.resident_population_n, 0) as by_year
        from windows
        cross join counties
    ),

    disputes as (
        select
            cells.window_kind,
            cells.first_on,
            cells.division_code,
            count(*) filter (where dispute.is_solved) as solved_n,
            count(*) as closed_n
        from cells
        inner join {{ ref('bridge_division_scope') }} as scope on cells.division_code = scope.scope_code
        inner join
            {{ ref('fct_dispute') }} as dispute
            on scope.division_code = dispute.division_code
            and dispute.closed_on between cells.first_on and cells.last_on
        group by cells.window_kind, cells.first_on, cells.division_code
    ),

    petitions as (
        select
            cells.window_kind,
            cells.first_on,
            cells.division_code,
            count(*) filter (where petition.level_no < county.level_no) as above_n,
            count(*) filter (
                where petition.is_visit and petition.persons_n >= {{ threshold('pingan_veto_persons') }}
            ) as mass_n
        from cells
        inner join {{ ref('bridge_division_scope') }} as scope on cells.division_code = scope.scope_code
        inner join
            {{ ref('fct_petition') }} as petition
            on scope.division_code = petition.division_code
            and petition.received_on between cells.first_on and cells.last_on
        cross join (select max(known.level_no) as level_no from {{ ref('petition_level') }} as known) as county
        group by cells.window_kind, cells.first_on, cells.division_code
    ),

    police as (
        select
            cells.window_kind,
            cells.first_on,
            cells.division_code,
            count(*) filter (where incident.is_fraud or incident.is_theft or incident.is_violence) as crimes_n,
            sum(incident.amount_wan) filter (where incident.is_fraud) as loss_wan
        from cells
        inner join {{ ref('bridge_division_scope') }} as scope on cells.division_code = scope.scope_code
        inner join
            {{ ref('fct_police_incident') }} as incident
            on scope.division_code = incident.division_code
            and incident.called_on between cells.first_on and cells.last_on
        where not incident.is_repeat
        group by cells.window_kind, cells.first_on, cells.division_code
    ),

    emergencies as (
        select
            accident.occurred_on, accident.division_code, coalesce(accident.deaths_n, 0) as deaths_n, accident.grade_no
        from {{ ref('fct_accident') }} as accident
        union all
        select
            fire.alarmed_on,
            fire.division_code,
            coalesce(fire.deaths_n, 0),
            {{ accident_grade('fire.deaths_n', 'fire.injuries_n', 'coalesce(fire.loss_cny, 0)', 'fire.alarmed_on') }}
        from {{ ref('fct_fire_incident') }} as fire
        where fire.is_fire
        union all
        select
            crash.occurred_on,
            crash.division_code,
            crash.deaths_n,
            {{ accident_grade('crash.deaths_n', 'crash.hurt_n', '0', 'crash.occurred_on') }}
        from {{ ref('crash_on_road') }} as crash
        where crash.is_casualty
    ),

    accidents as (
        select
            cells.window_kind,
            cells.first_on,
            cells.division_code,
            sum(emergencies.deaths_n) as deaths_n,
            count(*) filter (where emergencies.grade_no <= {{ threshold('pingan_veto_grade') }}) as grave_n
        from cells
        inner join {{ ref('bridge_division_scope') }} as scope on cells.division_code = scope.scope_code
        inner join
            emergencies
            on scope.division_code = emergencies.division_code
            and emergencies.occurred_on between cells.first_on and cells.last_on
        group by cells.window_kind, cells.first_on, cells.division_code
    ),

    counted as (
        select
            cells.*,
            disputes.solved_n / nullif(disputes.closed_n, 0) as disputes_solved,
            coalesce(petitions.above_n, 0) * cells.by_year as petitions_above,
            coalesce(petitions.mass_n, 0) as mass_n,
            coalesce(police.crimes_n, 0) * cells.by_year as crime_calls,
            coalesce(police.loss_wan, 0) * cells.by_year as fraud_loss,
            coalesce(accidents.deaths_n, 0) * cells.by_year as deaths,
            coalesce(accidents.grave_n, 0) as grave_n
        from cells
        left join disputes using (window_kind, first_on, division_code)
        left join petitions using (window_kind, first_on, division_code)
        left join police using (window_kind, first_on, division_code)
        left join accidents using (window_kind, first_on, division_code)
    ),

    scheme as (
        select
            item.item_key,
            item.name_zh as item_zh,
            measure.measure_key,
            measure.name_zh as measure_zh,
            measure.indicator_id,
            measure.part,
            measure.variant,
            measure.question_key,
            measure.full_at,
            measure.none_at,
            cast(item.weight * measure.share as decimal(6, 2)) as points_full
        from {{ std_in_force('std_pingan_item', ['item_key', 'valid_from']) }} as item
        inner join
            {{ std_in_force('std_pingan_measure', ['measure_key', 'valid_from']) }} as measure
            on item.item_key = measure.item_key
        where not item.is_veto
    ),

    own as (
        select
            counted.window_kind,
            counted.first_on,
            counted.division_code,
            unnest(
                [
                    struct_pack(measure_key := 'disputes_solved', value := cast(counted.disputes_solved as double)),
                    struct_pack(measure_key := 'petitions_above', value := cast(counted.petitions_above as double)),
                    struct_pack(measure_key := 'crime_calls', value := cast(counted.crime_calls as double)),
                    struct_pack(measure_key := 'fraud_loss', value := cast(counted.fraud_loss as double)),
                    struct_pack(measure_key := 'deaths', value := cast(counted.deaths as double))
                ],
                recursive := true
            )
        from counted
    ),

    -- The newest survey that had begun by the end of the window.
    surveyed as (
        select
            cells.window_kind,
            cells.first_on,
            cells.division_code,
            answer.question_key,
            cast(arg_max(answer.mean_pct, answer.quarter_on) as double) as value
        from cells
        inner join
            {{ ref('public_satisfaction') }} as answer
            on cells.division_code = answer.division_code
            and answer.quarter_on <= cells.last_on
        group by cells.window_kind, cells.first_on, cells.division_code, answer.question_key
    ),

    valued as (
        select
            counted.window_kind,
            counted.first_on,
            counted.last_on,
            counted.division_code,
            counted.grave_n,
            counted.mass_n,
            scheme.*,
            cast(coalesce(own.value, surveyed.value, told.value) as decimal(18, 4)) as value
        from counted
        cross join scheme
        left join
            own
            on scheme.measure_key = own.measure_key
            and counted.window_kind = own.window_kind
            and counted.first_on = own.first_on
            and counted.division_code = own.division_code
        left join
            surveyed
            on scheme.question_key = surveyed.question_key
            and counted.window_kind = surveyed.window_kind
            and counted.first_on = surveyed.first_on
            and counted.division_code = surveyed.division_code
        left join
            {{ ref('indicator_value') }} as told
            on scheme.indicator_id = told.indicator_id
            and scheme.part = told.part
            and coalesce(scheme.variant, '') = told.variant
            and counted.window_kind = told.window_kind
            and counted.first_on = told.first_on
            and counted.division_code = told.division_code
    ),

    scored as (
        select
            valued.*,
            cast(
                valued.points_full
                * greatest(least((valued.value - valued.none_at) / (valued.full_at - valued.none_at), 1), 0) as decimal(
                    6, 2
                )
            ) as points
        from valued
    ),

    summed as (
        select
            scored.*,
            sum(scored.points) over county as county_points,
            sum(scored.points_full) filter (where scored.points is not null) over county as county_points_full,
            bool_or(scored.grave_n > 0 or scored.mass_n > 0) over county as is_vetoed
        from scored
        window county as (partition by scored.window_kind, scored.first_on, scored.division_code)
    ),

    told as (
        select
            summed.*,
            -- Of what could be measured: a measure without a value neither earns nor costs points.
            cast(100.0 * summed.county_points / nullif(summed.county_points_full, 0) as decimal(6, 2)) as score_of_100
        from summed
    )

select
    told.window_kind,
    told.first_on,
    told.last_on,
    told.division_code,
    told.item_key as assessment_item_key,
    told.item_zh,
    told.measure_key,
    told.measure_zh,
    told.value,
    told.full_at,
    told.none_at,
    told.points_full,
    told.points as earned_points,
    cast(told.county_points as decimal(6, 2)) as county_points,
    cast(told.county_points_full as decimal(6, 2)) as county_points_full,
    told.score_of_100,
    told.grave_n,
    told.mass_n,
    told.is_vetoed,
    dense_rank() over (
        partition by told.window_kind, told.first_on order by told.is_vetoed, told.score_of_100 desc nulls last
    ) as rank_no
from told
