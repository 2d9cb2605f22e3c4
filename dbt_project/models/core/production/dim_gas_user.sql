{{ config(enabled=fed_by('gas_check')) }}
with
    visits as (
        select
            visit.*,
            row_number() over (
                partition by visit.user_key order by visit.checked_on desc, visit.visit_key desc
            ) as newest_no
        from {{ ref('fct_gas_check') }} as visit
        where visit.user_key is not null
    ),

    entered as (
        select visits.user_key, min(visits.newest_no) as newest_no
        from visits
        where visits.is_entered or visits.is_remedied
        group by visits.user_key
    ),

    -- Visits since somebody was last let in, all of them to a closed door.
    closed_doors as (
        select
            visits.user_key,
            cast(
                count(*) filter (where visits.is_absent or visits.is_refused or visits.is_absent_as_checked) as integer
            ) as visits_n
        from visits
        left join entered on visits.user_key = entered.user_key
        where entered.newest_no is null or visits.newest_no < entered.newest_no
        group by visits.user_key
    ),

    hazards as (
        select
            visits.user_key,
            max_by(visits.hazard_grade_no, (visits.checked_on, visits.visit_key)) as hazard_grade_no,
            max(visits.checked_on) as found_on,
            max_by(visits.fixed_on, (visits.checked_on, visits.visit_key)) as fixed_on
        from visits
        where visits.is_hazard and visits.is_entered
        group by visits.user_key
    ),

    remedies as (
        select visits.user_key, max(visits.checked_on) as remedied_on
        from visits
        where visits.is_remedied
        group by visits.user_key
    ),

    users as (
        select
            visits.user_key,
            max_by(visits.company_key, (visits.checked_on, visits.visit_key)) as company_key,
            max_by(visits.address_key, (visits.checked_on, visits.visit_key)) as address_key,
            max_by(visits.division_code, (visits.checked_on, visits.visit_key)) as division_code,
            min(visits.checked_on) as first_visited_on,
            max(visits.checked_on) as last_visited_on,
            max(visits.checked_on) filter (where visits.is_entered) as last_entered_on,
            cast(count(*) as integer) as visits_n
        from visits
        group by visits.user_key
    )

select
    users.user_key,
    users.company_key,
    users.address_key,
    users.division_code,
    users.first_visited_on,
    users.last_visited_on,
    users.last_entered_on,
    users.visits_n,
    coalesce(closed_doors.visits_n, 0) as closed_doors_n,
    hazards.hazard_grade_no,
    hazards.found_on as hazard_found_on,
    coalesce(
        hazards.fixed_on, case when remedies.remedied_on >= hazards.found_on then remedies.remedied_on end
    ) as hazard_fixed_on,
    hazards.found_on is not null
    and hazards.fixed_on is null
    and coalesce(remedies.remedied_on < hazards.found_on, true) as is_hazard_open
from users
left join closed_doors on users.user_key = closed_doors.user_key
left join hazards on users.user_key = hazards.user_key
left join remedies on users.user_key = remedies.user_key
