{{ config(enabled=fed_by(
    'opinion', 'case', 'grid', 'petition', 'police_incident', 'accident', 'fire_incident', 'gas_alarm', 'weather_warning'
)) }}
{%- set rule = std_in_force('std_risk_coupling', ['coupling_key', 'parameter', 'valid_from']) -%}
-- The parameters of the four effects, by effect.parameter.
with
    rules as (
        select map(list(stated.coupling_key || '.' || stated.parameter), list(stated.value)) as p
        from {{ rule }} as stated
    ),

    topics as (
        select mapped.topic_key, any_value(mapped.topic_zh) as topic_zh, any_value(mapped.risk_class) as risk_class
        from {{ ref('topic_map') }} as mapped
        group by mapped.topic_key
    ),

    weeks as (
        select span.first_on as week_on, span.last_on
        from ({{ indicator_windows() }}) as span
        inner join
            {{ ref('reporting_window_kind') }} as form
            on span.window_kind = form.indicator_kind
            and form.feeds_topic_week
            and form.length_months = 0
    ),

    -- What each source tells of a topic, by day and smallest division known.
    told as (
        select
            mapped.topic_key,
            post.date_on as day_on,
            post.division_code,
            sum(post.posts_n) filter (where not post.is_outside) as posts_n,
            sum(post.posts_n) filter (where post.is_outside) as outside_n,
            0 as appeals_n,
            0 as petitions_n,
            0 as calls_n
        from {{ ref('fct_opinion_daily') }} as post
        inner join {{ ref('topic_map') }} as mapped on post.topic_zh = mapped.opinion_topic_zh
        group by mapped.topic_key, post.date_on, post.division_code
        union all
        select mapped.topic_key, appeal.created_on, appeal.division_code, 0, 0, count(*), 0, 0
        from {{ ref('case_counted') }} as appeal
        inner join {{ ref('topic_map') }} as mapped on appeal.category_key = mapped.category_key
        group by mapped.topic_key, appeal.created_on, appeal.division_code
        union all
        select mapped.topic_key, petition.received_on, petition.division_code, 0, 0, 0, count(*), 0
        from {{ ref('fct_petition') }} as petition
        inner join {{ ref('topic_map') }} as mapped on petition.topic_zh = mapped.petition_topic_zh
        group by mapped.topic_key, petition.received_on, petition.division_code
        union all
        select mapped.topic_key, incident.called_on, incident.division_code, 0, 0, 0, 0, count(*)
        from {{ ref('fct_police_incident') }} as incident
        inner join {{ ref('topic_map') }} as mapped on incident.category_4 = mapped.police_category
        where not incident.is_repeat
        group by mapped.topic_key, incident.called_on, incident.division_code
    ),

    counties as (
        select scope.division_code, scope.scope_code as county_code
        from {{ ref('bridge_division_scope') }} as scope
        inner join {{ ref('division') }} as division on scope.scope_code = division.division_code
        inner join {{ ref('division_level') }} as level on division.level_no = level.level_no and level.is_county
    ),

    by_week as (
        select
            weeks.week_on,
            told.topic_key,
            cast(coalesce(sum(told.posts_n), 0) as bigint) as posts_n,
            cast(coalesce(sum(told.outside_n), 0) as bigint) as outside_posts_n,
            cast(sum(told.appeals_n) as bigint) as appeals_n,
            cast(sum(told.petitions_n) as bigint) as petitions_n,
            cast(sum(told.calls_n) as bigint) as calls_n,
            count(distinct told.division_code) filter (where told.appeals_n > 0) as townships_n
        from weeks
        inner join told on told.day_on between weeks.week_on and weeks.last_on
        group by weeks.week_on, told.topic_key
    ),

    -- Resonance: the local days of the window laid over the outside ones some days earlier.
    days as (
        select weeks.week_on, weeks.last_on - cast(step.day_no as integer) as day_on
        from weeks
        cross join rules
        cross join range(cast(rules.p['resonance.window_days'] as integer)) as step(day_no)
    ),

    daily as (
        select
            told.topic_key,
            told.day_on,
            cast(coalesce(sum(told.outside_n), 0) as bigint) as outside_n,
            cast(sum(told.appeals_n + told.calls_n) as bigint) as local_n
        from told
        group by told.topic_key, told.day_on
    ),

    waved as (select distinct daily.topic_key from daily where daily.outside_n > 0),

    laid_over as (
        select
            days.week_on,
            waved.topic_key,
            cast(lag.day_no as integer) as lag_days,
            count(*) as n,
            sum(coalesce(outside.outside_n, 0)) as x,
            sum(coalesce(local.local_n, 0)) as y,
            sum(coalesce(outside.outside_n, 0) * coalesce(outside.outside_n, 0)) as xx,
            sum(coalesce(local.local_n, 0) * coalesce(local.local_n, 0)) as yy,
            sum(coalesce(outside.outside_n, 0) * coalesce(local.local_n, 0)) as xy
        from days
        cross join waved
        cross join rules
        cross join range(cast(rules.p['resonance.lag_days_most'] as integer) + 1) as lag(day_no)
        left join daily as local on waved.topic_key = local.topic_key and days.day_on = local.day_on
        left join
            daily as outside
            on waved.topic_key = outside.topic_key
            and days.day_on - cast(lag.day_no as integer) = outside.day_on
        group by days.week_on, waved.topic_key, lag.day_no
    ),

    correlated as (
        select
            laid_over.week_on,
            laid_over.topic_key,
            laid_over.lag_days,
            laid_over.y as local_n,
            cast(
                cast(laid_over.n * laid_over.xy - laid_over.x * laid_over.y as double) / nullif(
                    sqrt(
                        cast(laid_over.n * laid_over.xx - laid_over.x * laid_over.x as double)
                        * cast(laid_over.n * laid_over.yy - laid_over.y * laid_over.y as double)
                    ),
                    0
                ) as decimal(6, 4)
            ) as correlation
        from laid_over
    ),

    resonance as (
        select
            correlated.week_on,
            correlated.topic_key,
            max(correlated.correlation) as correlation,
            arg_max(correlated.lag_days, (correlated.correlation, - correlated.lag_days)) as lag_days,
            max(correlated.local_n) as local_n
        from correlated
        where correlated.correlation is not null
        group by correlated.week_on, correlated.topic_key
    ),

    -- Transmission: one topic in one county, from opinion to appeals to petitions.
    county_weeks as (
        select
            weeks.week_on,
            cell.topic_key,
            cell.county_code,
            coalesce(sum(told.posts_n), 0) as posts_n,
            coalesce(sum(told.appeals_n), 0) as appeals_n,
            coalesce(sum(told.petitions_n), 0) as petitions_n
        from weeks
        cross join
            (
                select distinct told.topic_key, counties.county_code
                from told
                inner join counties on told.division_code = counties.division_code
            ) as cell
        left join
            (
                select told.*, counties.county_code
                from told
                inner join counties on told.division_code = counties.division_code
            ) as told
            on cell.topic_key = told.topic_key
            and cell.county_code = told.county_code
            and told.day_on between weeks.week_on and weeks.last_on
        group by weeks.week_on, cell.topic_key, cell.county_code
    ),

    raised as (
        select
            this.week_on,
            this.topic_key,
            this.county_code,
            this.posts_n,
            this.appeals_n,
            this.petitions_n,
            this.posts_n
            >= any_value(rules.p['transmission.opinion_times']) * greatest(median(before.posts_n), 1) as is_opinion,
            this.appeals_n
            >= any_value(rules.p['transmission.appeals_times']) * greatest(median(before.appeals_n), 1) as is_appeals
        from county_weeks as this
        cross join rules
        inner join
            county_weeks as before
            on this.topic_key = before.topic_key
            and this.county_code = before.county_code
            and before.week_on < this.week_on
            and before.week_on >= this.week_on - cast(rules.p['transmission.window_days'] as integer)
        group by this.week_on, this.topic_key, this.county_code, this.posts_n, this.appeals_n, this.petitions_n
        having count(*) >= any_value(rules.p['transmission.least_weeks'])
    ),

    begun as (
        select this.week_on, this.topic_key, this.county_code, min(before.week_on) as opinion_on
        from raised as this
        cross join rules
        inner join
            raised as before
            on this.topic_key = before.topic_key
            and this.county_code = before.county_code
            and before.week_on <= this.week_on
            and before.week_on >= this.week_on - cast(rules.p['transmission.window_days'] as integer)
            and before.is_opinion
        group by this.week_on, this.topic_key, this.county_code
    ),

    followed as (
        select
            begun.week_on,
            begun.topic_key,
            begun.county_code,
            begun.opinion_on,
            min(since.week_on) filter (where since.is_appeals) as appeals_on,
            sum(since.appeals_n) as appeals_since_n
        from begun
        inner join
            raised as since
            on begun.topic_key = since.topic_key
            and begun.county_code = since.county_code
            and since.week_on between begun.opinion_on and begun.week_on
        group by begun.week_on, begun.topic_key, begun.county_code, begun.opinion_on
    ),

    carried as (
        select
            followed.week_on,
            followed.topic_key,
            followed.county_code,
            followed.appeals_since_n >= any_value(rules.p['transmission.least_appeals'])
            and sum(since.petitions_n) >= any_value(rules.p['transmission.least_petitions'])
            -- It still goes on in this week.
            and bool_or(
                since.week_on = followed.week_on and (since.is_opinion or since.is_appeals or since.petitions_n > 0)
            ) as is_carried
        from followed
        cross join rules
        inner join
            raised as since
            on followed.topic_key = since.topic_key
            and followed.county_code = since.county_code
            and since.week_on between followed.appeals_on and followed.week_on
        group by followed.week_on, followed.topic_key, followed.county_code, followed.appeals_since_n
    ),

    transmission as (
        select carried.week_on, carried.topic_key, count(*) as counties_n
        from carried
        where carried.is_carried
        group by carried.week_on, carried.topic_key
    ),

    -- Superposition: a topic that rises in a township on a day, and another class of risk within the hours beside it.
    place_days as (
        select
            told.topic_key,
            told.division_code,
            told.day_on,
            sum(told.appeals_n + told.petitions_n + told.calls_n) as cases_n
        from told
        where told.division_code is not null
        group by told.topic_key, told.division_code, told.day_on
    ),

    -- A topic has risen when the hours of the effect hold so many cases,
    -- and so many times the usual of the days before them.
    near as (
        select this.topic_key, this.division_code, this.day_on, sum(beside.cases_n) as cases_n
        from place_days as this
        cross join rules
        inner join
            place_days as beside
            on this.topic_key = beside.topic_key
            and this.division_code = beside.division_code
            and beside.day_on <= this.day_on
            and (this.day_on - beside.day_on) * 24 < rules.p['superposition.window_hours']
        group by this.topic_key, this.division_code, this.day_on
    ),

    usual as (
        select
            near.topic_key,
            near.division_code,
            near.day_on,
            any_value(near.cases_n) as cases_n,
            coalesce(sum(before.cases_n), 0) as cases_before_n,
            least(
                any_value(rules.p['superposition.usual_days']),
                near.day_on - any_value(begun_on.day_on) - any_value(rules.p['superposition.window_hours']) / 24
            ) as days_n
        from
            (
                -- Whole days, so that the bounds stand on one side of the join.
                select
                    near.*,
                    near.day_on - cast(ceil(rules.p['superposition.window_hours'] / 24) as integer) as usual_last_on,
                    near.day_on - cast(
                        ceil(
                            rules.p['superposition.window_hours'] / 24 + rules.p['superposition.usual_days']
                        ) as integer
                    ) as usual_after_on
                from near
                cross join rules
            ) as near
        cross join rules
        cross join (select min(place_days.day_on) as day_on from place_days) as begun_on
        left join
            place_days as before
            on near.topic_key = before.topic_key
            and near.division_code = before.division_code
            and near.usual_last_on >= before.day_on
            and near.usual_after_on < before.day_on
        group by near.topic_key, near.division_code, near.day_on
    ),

    risen as (
        select usual.topic_key, usual.division_code, usual.day_on
        from usual
        cross join rules
        where
            usual.cases_n >= rules.p['superposition.least_cases']
            and usual.days_n >= rules.p['superposition.least_days']
            and usual.cases_n * usual.days_n * 24
            >= rules.p['superposition.times_usual'] * usual.cases_before_n * rules.p['superposition.window_hours']
    ),

    active as (
        select risen.division_code, risen.day_on, topics.risk_class
        from risen
        inner join topics on risen.topic_key = topics.topic_key
        union
        select accident.division_code, accident.occurred_on, 'production'
        from {{ ref('fct_accident') }} as accident
        union
        select fire.division_code, fire.alarmed_on, 'fire'
        from {{ ref('fct_fire_incident') }} as fire
        where fire.is_fire
        union
        select alarm.division_code, alarm.alarm_on, 'lifeline'
        from {{ ref('fct_gas_alarm') }} as alarm
        where alarm.is_leak
        union
        select gathering.division_code, gathering.called_on, 'public_order'
        from {{ ref('fct_police_incident') }} as gathering
        where gathering.is_gathering
        union
        select within.division_code, warning.issued_on, 'nature'
        from {{ ref('fct_weather_warning') }} as warning
        cross join rules
        inner join {{ ref('bridge_division_scope') }} as within on warning.division_code = within.scope_code
        where warning.level_no <= rules.p['superposition.worst_warning_level'] and warning.issued_on is not null
    ),

    superposed as (
        select weeks.week_on, risen.topic_key, risen.division_code, 1 + count(distinct beside.risk_class) as classes_n
        from risen
        inner join topics on risen.topic_key = topics.topic_key
        cross join rules
        inner join weeks on risen.day_on between weeks.week_on and weeks.last_on
        inner join
            active as beside
            on risen.division_code = beside.division_code
            and topics.risk_class <> beside.risk_class
            and abs(risen.day_on - beside.day_on) * 24 <= rules.p['superposition.window_hours']
        group by weeks.week_on, risen.topic_key, risen.division_code
    ),

    superposition as (
        select superposed.week_on, superposed.topic_key, count(*) as places_n, max(superposed.classes_n) as classes_n
        from superposed
        cross join rules
        where superposed.classes_n >= rules.p['superposition.least_classes']
        group by superposed.week_on, superposed.topic_key
    ),

    -- Snowball: so many weeks on end that each grew by so much over the one before.
    growing as (
        select
            weeks.week_on,
            topics.topic_key,
            coalesce(by_week.appeals_n, 0) as appeals_n,
            lag(coalesce(by_week.appeals_n, 0)) over in_order as before_n
        from weeks
        cross join topics
        left join by_week on weeks.week_on = by_week.week_on and topics.topic_key = by_week.topic_key
        window in_order as (partition by topics.topic_key order by weeks.week_on)
    ),

    grown as (
        select
            growing.*,
            coalesce(
                growing.before_n > 0 and growing.appeals_n >= rules.p['snowball.growth_ratio'] * growing.before_n, false
            ) as is_grown
        from growing
        cross join rules
    ),

    runs as (
        select
            grown.*,
            sum(cast(not grown.is_grown as integer)) over (
                partition by grown.topic_key order by grown.week_on
            ) as run_no
        from grown
    ),

    snowball as (
        select
            runs.week_on,
            runs.topic_key,
            cast(runs.appeals_n / nullif(runs.before_n, 0) as decimal(10, 2)) as growth_ratio,
            sum(cast(runs.is_grown as integer)) over (
                partition by runs.topic_key, runs.run_no order by runs.week_on
            ) as weeks_grown_n
        from runs
    ),

    judged as (
        select
            snowball.week_on,
            snowball.topic_key,
            coalesce(by_week.posts_n, 0) as posts_n,
            coalesce(by_week.outside_posts_n, 0) as outside_posts_n,
            coalesce(by_week.appeals_n, 0) as appeals_n,
            coalesce(by_week.petitions_n, 0) as petitions_n,
            coalesce(by_week.calls_n, 0) as calls_n,
            coalesce(by_week.townships_n, 0) as townships_n,
            resonance.correlation,
            case
                when resonance.correlation >= rules.p['resonance.least_correlation'] then resonance.lag_days
            end as lag_days,
            coalesce(
                resonance.correlation >= rules.p['resonance.least_correlation']
                and resonance.local_n >= rules.p['resonance.least_cases'],
                false
            ) as is_resonance,
            coalesce(transmission.counties_n, 0) as transmission_counties_n,
            transmission.counties_n is not null as is_transmission,
            coalesce(superposition.places_n, 0) as superposition_places_n,
            coalesce(superposition.classes_n, 0) as superposed_classes_n,
            superposition.places_n is not null as is_superposition,
            snowball.growth_ratio,
            cast(snowball.weeks_grown_n as bigint) as weeks_grown_n,
            snowball.weeks_grown_n >= rules.p['snowball.weeks']
            and coalesce(by_week.townships_n, 0) >= rules.p['snowball.least_townships']
            and coalesce(by_week.appeals_n, 0) >= rules.p['snowball.least_appeals'] as is_snowball,
            rules.p['coupled.least_effects'] as least_effects
        from snowball
        cross join rules
        left join by_week on snowball.week_on = by_week.week_on and snowball.topic_key = by_week.topic_key
        left join resonance on snowball.week_on = resonance.week_on and snowball.topic_key = resonance.topic_key
        left join
            transmission on snowball.week_on = transmission.week_on and snowball.topic_key = transmission.topic_key
        left join
            superposition on snowball.week_on = superposition.week_on and snowball.topic_key = superposition.topic_key
    ),

    summed as (
        select
            judged.*,
            cast(judged.is_resonance as integer)
            + cast(judged.is_transmission as integer)
            + cast(judged.is_superposition as integer)
            + cast(judged.is_snowball as integer) as effects_n
        from judged
    )

select
    summed.week_on,
    summed.topic_key,
    topics.topic_zh,
    topics.risk_class,
    summed.posts_n,
    summed.outside_posts_n,
    summed.appeals_n,
    summed.petitions_n,
    summed.calls_n,
    summed.townships_n,
    summed.correlation,
    summed.lag_days,
    summed.is_resonance,
    summed.transmission_counties_n,
    summed.is_transmission,
    summed.superposition_places_n,
    summed.superposed_classes_n,
    summed.is_superposition,
    summed.growth_ratio,
    summed.weeks_grown_n,
    summed.is_snowball,
    summed.effects_n,
    summed.effects_n >= summed.least_effects as is_coupled
from summed
inner join topics on summed.topic_key = topics.topic_key
