{{ config(enabled=fed_by('enterprise', 'hazard', 'inspection', 'business'), materialized='view') }}
-- One enterprise of each credit code: the one still there, else the first by its number.
select
    enterprise.uscc,
    min_by(enterprise.enterprise_key, (not enterprise.is_active, enterprise.enterprise_no)) as enterprise_key
from {{ ref('dim_enterprise') }} as enterprise
where enterprise.uscc is not null
group by enterprise.uscc
