{{ config(schema='staging') }}
select touched.case_key
from {{ ref('case_touched') }} as touched
union
select link.case_key
from {{ ref('case_link') }} as link
where
    (link.created_on, link.topic_key)
    in (select (link_day.day_on, link_day.topic_key) from {{ ref('case_link_day') }} as link_day)
