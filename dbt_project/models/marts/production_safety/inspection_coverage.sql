{{ config(enabled=fed_by('enterprise', 'inspection', 'business', 'hazard')) }}
with
    inspections as (
        select
            coalesce(inspection.enterprise_key, enterprise.enterprise_key) as enterprise_key,
            inspection.department_key,
            inspection.inspected_on,
            inspection.next_due_on,
            inspection.findings_n
        from {{ ref('fct_inspection') }} as inspection
        left join {{ ref('enterprise_of_code') }} as enterprise on inspection.uscc = enterprise.uscc
        where not inspection.is_self and inspection.inspected_on <= {{ as_of() }}
    ),

    -- The densest thirty days: from each inspection on, how often and by how many.
    bursts as (
        select
            first.enterprise_key,
            first.inspected_on,
            count(*) as inspections_n,
            count(distinct later.department_key) as departments_n
        from inspections as first
        inner join
            inspections as later
            on first.enterprise_key = later.enterprise_key
            and later.inspected_on >= first.inspected_on
            and later.inspected_on < first.inspected_on + cast({{ threshold('inspection_burst_days') }} as integer)
        where first.inspected_on > {{ as_of() }} - to_years(1)
        group by first.enterprise_key, first.inspected_on
    ),

    worst as (
        select
            bursts.enterprise_key,
            max(bursts.inspections_n) as burst_inspections_n,
            max(bursts.departments_n) as burst_departments_n,
            bool_or(
                bursts.inspections_n >= {{ threshold('inspection_burst_n') }} and bursts.departments_n > 1
            ) as is_over_inspected
        from bursts
        group by bursts.enterprise_key
    ),

    counted as (
        select
            inspections.enterprise_key,
            count(*) filter (where inspections.inspected_on > {{ as_of() }} - to_years(1)) as inspections_12m_n,
            count(distinct inspections.department_key) filter (
                where inspections.inspected_on > {{ as_of() }} - to_years(1)
            ) as departments_12m_n,
            cast(
                coalesce(
                    sum(inspections.findings_n) filter (where inspections.inspected_on > {{ as_of() }} - to_years(1)), 0
                ) as bigint
            ) as findings_12m_n,
            max(inspections.inspected_on) as last_inspected_on,
            max(inspections.next_due_on) as next_due_on
        from inspections
        where inspections.enterprise_key is not null
        group by inspections.enterprise_key
    ),

    known as (select min(inspection.inspected_on) as since_on from {{ ref('fct_inspection') }} as inspection)

select
    {{ as_of() }} as as_of_on,
    enterprise.enterprise_key,
    enterprise.enterprise_name,
    enterprise.enterprise_kind,
    enterprise.is_hazchem,
    enterprise.rated_level_no,
    enterprise.division_code,
    coalesce(counted.inspections_12m_n, 0) as inspections_12m_n,
    coalesce(counted.departments_12m_n, 0) as departments_12m_n,
    coalesce(counted.findings_12m_n, 0) as findings_12m_n,
    counted.last_inspected_on,
    counted.next_due_on,
    coalesce(counted.next_due_on < {{ as_of() }}, false) as is_inspection_overdue,
    coalesce(counted.inspections_12m_n, 0) = 0 as is_never_inspected,
    -- Before the lake's first inspection nobody knows: only a whole year without one is a gap that is certain.
    coalesce(known.since_on <= {{ as_of() }} - to_years(1), false) as is_year_observed,
    coalesce(worst.burst_inspections_n, 0) as burst_inspections_n,
    coalesce(worst.burst_departments_n, 0) as burst_departments_n,
    coalesce(worst.is_over_inspected, false) as is_over_inspected
from {{ ref('dim_enterprise') }} as enterprise
cross join known
left join counted on enterprise.enterprise_key = counted.enterprise_key
left join worst on enterprise.enterprise_key = worst.enterprise_key
where enterprise.is_active
