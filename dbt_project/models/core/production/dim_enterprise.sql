{{ config(enabled=fed_by('enterprise', 'hazard', 'inspection', 'business')) }}
with
    register as (
        select
            input.*,
            row_number() over (partition by input.enterprise_key order by {{ newest_first('input') }}) as newest_no
        from {{ ref('input_enterprise') }} as input
    ),

    -- Where the register has no credit code, what was written of the same enterprise on other papers stands for it.
    elsewhere as (
        select
            paper.enterprise_key,
            paper.uscc,
            row_number() over (partition by paper.enterprise_key order by count(*) desc, paper.uscc) as choice_no
        from
            (
                select hazard.enterprise_key, hazard.uscc
                from {{ ref('input_hazard') }} as hazard
                union all
                select inspection.enterprise_key, inspection.uscc
                from {{ ref('input_inspection') }} as inspection
            ) as paper
        where paper.enterprise_key is not null and paper.uscc is not null
        group by paper.enterprise_key, paper.uscc
    ),

    business as (
        select input.uscc, max(input.cancelled_on) as cancelled_on
        from {{ ref('input_business') }} as input
        where input.uscc is not null
        group by input.uscc
    )

select
    register.enterprise_key,
    register.enterprise_no,
    register.enterprise_name,
    coalesce(register.uscc, elsewhere.uscc) as uscc,
    register.uscc is null and elsewhere.uscc is not null as is_uscc_derived,
    register.enterprise_kind,
    register.field_key,
    register.industry_code,
    register.rated_level_no,
    register.is_hazchem,
    register.is_dual_prevention,
    register.design_t,
    register.registered_r,
    register.licence_until_on,
    register.staff_n,
    register.is_active,
    business.cancelled_on,
    register.latitude,
    register.longitude,
    register.division_code,
    register.delivered_on
from register
left join elsewhere on register.enterprise_key = elsewhere.enterprise_key and elsewhere.choice_no = 1
left join business on coalesce(register.uscc, elsewhere.uscc) = business.uscc
where register.newest_no = 1
