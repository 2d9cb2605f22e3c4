{{ config(enabled=fed_by('disease_week', 'division', 'grid')) }}
with
    scopes as (
        select division.division_code
        from {{ ref('dim_admin_division') }} as division
        left join {{ ref('dim_admin_division') }} as parent on division.parent_code = parent.division_code
        where parent.parent_code is null
    ),

    counted as (
        select fact.disease_key, scope.scope_code as division_code, fact.week_on, sum(fact.cases_n) as cases_n
        from {{ ref('fct_disease_week') }} as fact
        inner join
            {{ ref('bridge_division_scope') }} as scope on fact.division_code is not distinct from scope.division_code
        group by fact.disease_key, scope.scope_code, fact.week_on
    ),

    weeks as (
        select distinct calendar.date_on as week_on
        from {{ ref('dim_date') }} as calendar
        inner join (select min(counted.week_on) as first_on from counted) as span on calendar.date_on >= span.first_on
        -- A week that is not over yet is no count.
        where calendar.weekday_no = 1 and calendar.date_on + 7 <= {{ as_of() }} + 1
    )

select
    diseases.disease_key, scopes.division_code, weeks.week_on, cast(coalesce(counted.cases_n, 0) as bigint) as cases_n
from (select distinct counted.disease_key from counted) as diseases
cross join scopes
cross join weeks
left join
    counted
    on diseases.disease_key = counted.disease_key
    and scopes.division_code = counted.division_code
    and weeks.week_on = counted.week_on
