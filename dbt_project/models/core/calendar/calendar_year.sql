select
    day.year_no,
    max(day.holiday_source) as holiday_source,
    bool_and(day.year_no in (select year(holiday.date_on) from {{ ref('holiday') }} as holiday)) as is_published,
    count(*) filter (where day.is_workday) as workdays_n,
    count(*) filter (where day.is_holiday) as holidays_n,
    count(*) filter (where day.is_makeup_workday) as makeup_workdays_n
from {{ ref('dim_date') }} as day
group by day.year_no
