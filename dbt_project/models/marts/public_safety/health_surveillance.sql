{{ config(enabled=fed_by('disease_week', 'grid')) }}
with
    known as (
        select
            told.disease_key,
            scope.scope_code as division_code,
            told.week_on,
            sum(told.cases_n) filter (where told.weeks_later_n = 0) as first_known_n
        from {{ ref('fct_disease_week_known') }} as told
        inner join
            {{ ref('bridge_division_scope') }} as scope on told.division_code is not distinct from scope.division_code
        group by told.disease_key, scope.scope_code, told.week_on
    ),

    disease as (
        select fact.disease_key, min(fact.disease_name) as disease_name, min(fact.class_name) as class_name
        from {{ ref('fct_disease_week') }} as fact
        group by fact.disease_key
    ),

    by_report as (
        select distinct fact.disease_key, scope.scope_code as division_code, fact.week_on
        from {{ ref('fct_disease_week') }} as fact
        inner join
            {{ ref('bridge_division_scope') }} as scope on fact.division_code is not distinct from scope.division_code
        where not fact.is_by_onset
    )

select
    signal.disease_key,
    disease.disease_name,
    disease.class_name,
    signal.division_code,
    signal.week_on,
    cast(isoyear(signal.week_on) as integer) as iso_year,
    cast(week(signal.week_on) as integer) as iso_week,
    signal.cases_n,
    cast(known.first_known_n as bigint) as first_known_n,
    cast(known.first_known_n * 100.0 / nullif(signal.cases_n, 0) as decimal(9, 1)) as first_known_pct,
    cast(
        signal.cases_n
        * {{ threshold('rate_residents') }}
        / nullif(residents.resident_population_n, 0) as decimal(18, 3)
    ) as cases_per_100k,
    lag(signal.cases_n) over of_series as previous_week_n,
    last_year.cases_n as last_year_week_n,
    signal.cases_recent_n,
    signal.expected_n,
    signal.upper_n,
    signal.ears_c1,
    signal.ears_c2,
    signal.ears_c3,
    signal.is_c1,
    signal.is_c2,
    signal.is_c3,
    signal.is_c2 as is_signal,
    signal.is_judged,
    by_report.week_on is not null as is_by_report,
    -- A week grows for as long as numbers are kept of what was known after it.
    signal.week_on + cast(7 * (1 + {{ threshold('disease_known_weeks') }}) as integer) > {{ as_of() }} as is_preliminary
from {{ ref('disease_signal_week') }} as signal
inner join disease on signal.disease_key = disease.disease_key
left join
    known
    on signal.disease_key = known.disease_key
    and signal.division_code = known.division_code
    and signal.week_on = known.week_on
left join
    by_report
    on signal.disease_key = by_report.disease_key
    and signal.division_code = by_report.division_code
    and signal.week_on = by_report.week_on
left join
    {{ ref('disease_signal_week') }} as last_year
    on signal.disease_key = last_year.disease_key
    and signal.division_code = last_year.division_code
    and last_year.week_on
    = cast(signal.week_on - to_days(7 * cast({{ threshold('weeks_in_a_year') }} as integer)) as date)
left join {{ ref('division_residents') }} as residents on signal.division_code = residents.division_code
window of_series as (partition by signal.disease_key, signal.division_code order by signal.week_on)
