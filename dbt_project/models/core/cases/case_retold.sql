{{ config(schema='staging') }}
select touched.case_key
from {{ ref('case_touched') }} as touched
union
select link.case_key
from {{ ref('case_link') }} as link
where link.created_on in (select link_day.day_on from {{ ref('case_link_day') }} as link_day)
