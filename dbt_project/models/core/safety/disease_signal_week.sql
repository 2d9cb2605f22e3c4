{{ config(enabled=fed_by('disease_week')) }}
-- Weeks since the first delivery; of those before it only what changed later is known.
with
    weeks as (
        select cast(unnest(generate_series(span.first_on, span.last_on, to_days(7))) as date) as week_on
        from
            (
                select
                    min(disease.week_on) filter (where disease.week_on + 7 > since.first_on) as first_on,
                    max(disease.week_on) as last_on
                from {{ ref('fct_disease_week') }} as disease
                cross join
                    (select min(input.delivered_on) as first_on from {{ ref('input_disease_week') }} as input) as since
            ) as span
    ),

    counted as (
        select disease.disease_key, scope.scope_code, disease.week_on, sum(disease.cases_n) as cases_n
        from {{ ref('fct_disease_week') }} as disease
        inner join
            {{ ref('bridge_division_scope') }} as scope
            on disease.division_code is not distinct from scope.division_code
        group by disease.disease_key, scope.scope_code, disease.week_on
    ),

    series as (
        select
            known.disease_key, known.scope_code, weeks.week_on, cast(coalesce(counted.cases_n, 0) as bigint) as cases_n
        from (select distinct counted.disease_key, counted.scope_code from counted) as known
        cross join weeks
        left join
            counted
            on known.disease_key = counted.disease_key
            and known.scope_code = counted.scope_code
            and weeks.week_on = counted.week_on
    ),

    limits as (
        select
            cast({{ threshold('ears_baseline_weeks') }} as bigint) as baseline_weeks,
            cast({{ threshold('ears_lag_weeks') }} as bigint) as lag_weeks,
            cast({{ threshold('ears_least_sd') }} as double) as least_sd,
            cast({{ threshold('ears_limit') }} as double) as ears_limit,
            cast({{ threshold('ears_c3_limit') }} as double) as c3_limit,
            cast({{ threshold('outbreak_least_cases') }} as bigint) as least_cases,
            cast({{ threshold('outbreak_recent_weeks') }} as bigint) as recent_weeks
    ),

    -- The yardstick: the weeks just before (C1),
    -- and those before a gap in which an outbreak may have begun already (C2).
    baselines as (
        select
            series.disease_key,
            series.scope_code,
            series.week_on,
            series.cases_n,
            before.lag_weeks,
            cast(count(past.week_on) as double) as weeks_n,
            cast(sum(past.cases_n) as double) as sum_n,
            cast(sum(past.cases_n * past.cases_n) as double) as squares_n
        from series
        cross join limits
        cross join
            (
                select 0 as lag_weeks
                union all
                select limits.lag_weeks
                from limits
            ) as before
        left join
            series as past
            on series.disease_key = past.disease_key
            and series.scope_code = past.scope_code
            and past.week_on < series.week_on - to_days(cast(7 * before.lag_weeks as integer))
            and past.week_on
            >= series.week_on - to_days(cast(7 * (before.lag_weeks + limits.baseline_weeks) as integer))
        group by series.disease_key, series.scope_code, series.week_on, series.cases_n, before.lag_weeks
    ),

    scored as (
        select
            baselines.*,
            baselines.sum_n / baselines.weeks_n as mean_n,
            greatest(
                sqrt(
                    greatest(baselines.weeks_n * baselines.squares_n - baselines.sum_n * baselines.sum_n, 0)
                    / (baselines.weeks_n * (baselines.weeks_n - 1))
                ),
                limits.least_sd
            ) as sd_n
        from baselines
        cross join limits
        where baselines.weeks_n = limits.baseline_weeks
    ),

    paired as (
        select
            series.disease_key,
            series.scope_code,
            series.week_on,
            series.cases_n,
            (series.cases_n - near.mean_n) / near.sd_n as c1,
            far.mean_n as expected_n,
            far.sd_n,
            far.mean_n + limits.ears_limit * far.sd_n as upper_n,
            (series.cases_n - far.mean_n) / far.sd_n as c2,
            (
                select sum(recent.cases_n)
                from series as recent
                where
                    recent.disease_key = series.disease_key
                    and recent.scope_code = series.scope_code
                    and recent.week_on <= series.week_on
                    and recent.week_on > series.week_on - to_days(cast(7 * limits.recent_weeks as integer))
            ) as recent_n
        from series
        cross join limits
        left join
            scored as near
            on series.disease_key = near.disease_key
            and series.scope_code = near.scope_code
            and series.week_on = near.week_on
            and near.lag_weeks = 0
        left join
            scored as far
            on series.disease_key = far.disease_key
            and series.scope_code = far.scope_code
            and series.week_on = far.week_on
            and far.lag_weeks = limits.lag_weeks
    ),

    -- C3: what this week and the two before it lie above one standard deviation, taken together.
    excess as (
        select
            paired.*,
            greatest(paired.c2 - 1, 0) as over_n,
            coalesce(lag(greatest(paired.c2 - 1, 0)) over of_series, 0) as over_before_n
        from paired
        window of_series as (partition by paired.disease_key, paired.scope_code order by paired.week_on)
    ),

    summed as (
        select
            excess.*, excess.over_n + excess.over_before_n + coalesce(lag(excess.over_before_n) over of_series, 0) as c3
        from excess
        window of_series as (partition by excess.disease_key, excess.scope_code order by excess.week_on)
    )

select
    summed.disease_key,
    summed.scope_code as division_code,
    summed.week_on,
    summed.cases_n,
    cast(summed.recent_n as bigint) as cases_recent_n,
    cast(summed.expected_n as decimal(18, 4)) as expected_n,
    cast(summed.upper_n as decimal(18, 4)) as upper_n,
    cast(summed.c1 as decimal(18, 4)) as ears_c1,
    cast(summed.c2 as decimal(18, 4)) as ears_c2,
    cast(summed.c3 as decimal(18, 4)) as ears_c3,
    coalesce(summed.c1 > limits.ears_limit and summed.recent_n >= limits.least_cases, false) as is_c1,
    coalesce(summed.c2 > limits.ears_limit and summed.recent_n >= limits.least_cases, false) as is_c2,
    coalesce(summed.c3 > limits.c3_limit and summed.recent_n >= limits.least_cases, false) as is_c3,
    summed.c2 is not null as is_judged
from summed
cross join limits
