{{ config(enabled=fed_by('command_lead', 'grid')) }}
with
    leads as (
        select
            lead.*,
            cast(date_trunc('month', lead.pushed_on) as date) as month_on,
            date_diff('second', lead.pushed_at, lead.verified_at) / 86400.0 as days_to_verify
        from {{ ref('fct_command_lead') }} as lead
        where not lead.is_copy
    ),

    counted as (
        select
            leads.month_on,
            leads.model_id,
            count(*) as pushed_n,
            count(leads.verified_at) as verified_n,
            count(*) filter (where leads.is_confirmed) as confirmed_n,
            count(*) filter (where leads.is_false) as false_n,
            count(*) filter (where leads.is_unverifiable) as unverifiable_n,
            count(distinct leads.subject_key) as subjects_n,
            quantile_cont(leads.days_to_verify, 0.5) as days_to_verify_p50
        from leads
        group by leads.month_on, leads.model_id
    ),

    -- Leads for 10,000 residents by county:
    -- a model that looks at one county only is told by the largest rate over the middle one.
    counties as (
        select
            leads.month_on,
            leads.model_id,
            county.division_code,
            count(*) * 10000.0 / county.resident_population_n as rate
        from leads
        inner join {{ ref('bridge_division_scope') }} as scope on leads.division_code = scope.division_code
        inner join {{ ref('division_residents') }} as county on scope.scope_code = county.division_code
        inner join {{ ref('division') }} as division on county.division_code = division.division_code
        inner join {{ ref('division_level') }} as level on division.level_no = level.level_no and level.is_county
        group by leads.month_on, leads.model_id, county.division_code, county.resident_population_n
    ),

    fairness as (
        select
            counties.month_on,
            counties.model_id,
            count(*) as counties_n,
            max(counties.rate) / min(counties.rate) as rate_ratio
        from counties
        group by counties.month_on, counties.model_id
    )

select
    counted.month_on,
    counted.model_id,
    counted.pushed_n,
    counted.subjects_n,
    counted.verified_n,
    counted.confirmed_n,
    counted.false_n,
    counted.unverifiable_n,
    cast(
        100.0 * counted.confirmed_n / nullif(counted.confirmed_n + counted.false_n, 0) as decimal(6, 2)
    ) as precision_pct,
    cast(
        100 * {{ wilson_low('counted.confirmed_n', '(counted.confirmed_n + counted.false_n)') }} as decimal(6, 2)
    ) as precision_low_pct,
    cast(
        100 * {{ wilson_high('counted.confirmed_n', '(counted.confirmed_n + counted.false_n)') }} as decimal(6, 2)
    ) as precision_high_pct,
    cast(counted.days_to_verify_p50 as decimal(10, 2)) as days_to_verify_p50,
    coalesce(fairness.counties_n, 0) as counties_n,
    cast(fairness.rate_ratio as decimal(12, 2)) as county_rate_ratio
from counted
left join fairness on counted.month_on = fairness.month_on and counted.model_id = fairness.model_id
