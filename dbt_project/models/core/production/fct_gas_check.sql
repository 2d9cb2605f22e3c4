{{ config(enabled=fed_by('gas_check')) }}
with
    visits as (
        select
            input.*, row_number() over (partition by input.visit_key order by {{ newest_first('input') }}) as newest_no
        from {{ ref('input_gas_check') }} as input
    ),

    -- A visit without a user's number has its address; the user of that address is known by other visits.
    addresses as (
        select visits.company_key, visits.address_key, min(visits.user_key) as user_key
        from visits
        where visits.user_key is not null and visits.address_key is not null
        group by visits.company_key, visits.address_key
        having count(distinct visits.user_key) = 1
    )

select
    visits.visit_key,
    visits.company_key,
    visits.visit_no,
    coalesce(visits.user_key, addresses.user_key) as user_key,
    visits.user_key is null and addresses.user_key is not null as is_user_derived,
    visits.address_key,
    visits.checked_on,
    -- "Nobody at home" is written as a checked user now and then: no minute was spent within.
    (visits.is_in_order or visits.is_hazard) and coalesce(visits.minutes_n, 0) > 0 as is_entered,
    visits.is_in_order and coalesce(visits.minutes_n, 0) <= 0 as is_absent_as_checked,
    visits.is_absent,
    visits.is_refused,
    visits.is_hazard,
    visits.is_remedied,
    visits.hazard_grade_no,
    visits.fixed_on,
    visits.minutes_n,
    visits.inspector_key,
    visits.division_code,
    visits.delivered_on
from visits
left join addresses on visits.company_key = addresses.company_key and visits.address_key = addresses.address_key
where visits.newest_no = 1
