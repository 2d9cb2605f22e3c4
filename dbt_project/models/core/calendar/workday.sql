{{ config(schema='staging') }}
select day.date_on, cast(row_number() over (order by day.date_on) as integer) as workday_no
from {{ ref('dim_date') }} as day
where day.is_workday
