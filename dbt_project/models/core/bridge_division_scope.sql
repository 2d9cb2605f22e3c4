with recursive
    ancestry as (
        select division.division_code, division.division_code as scope_code, division.parent_code
        from {{ ref('dim_admin_division') }} as division
        union all
        select ancestry.division_code, parent.division_code as scope_code, parent.parent_code
        from ancestry
        inner join {{ ref('dim_admin_division') }} as parent on ancestry.parent_code = parent.division_code
    )

select ancestry.division_code, ancestry.scope_code
from ancestry
union all
-- What lies in no division still happened in the city.
select cast(null as varchar) as division_code, root.division_code as scope_code
from {{ ref('dim_admin_division') }} as root
where root.parent_code is null
