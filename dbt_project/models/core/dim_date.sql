with
    span as (
        select
            date_trunc('year', min(holiday.date_on)) as first_on,
            date_trunc('year', {{ as_of() }}) + interval 1 year - interval 1 day as last_on
        from {{ ref('holiday') }} as holiday
    ),

    days as (
        select cast(day_at as date) as date_on
        from span, unnest(generate_series(span.first_on, span.last_on, interval 1 day)) as series(day_at)
    ),

    known_years as (
        select year(holiday.date_on) as year_no, max(holiday.source) as source
        from {{ ref('holiday') }} as holiday
        group by year_no
    ),

    -- The Chinese calendar is for cities whose holidays follow it, in years without published holidays as well.
    chinese as (
        select coalesce(bool_or(holiday_source.has_chinese_calendar), false) as is_used
        from {{ ref('holiday') }} as holiday
        inner join {{ ref('holiday_source') }} as holiday_source on holiday.source = holiday_source.source
    ),

    seasons as (
        select
            days.date_on,
            string_agg(season.season_tag, '、' order by season.season_tag) as season_tag,
            bool_or(season.is_sensitive) as is_sensitive
        from days
        inner join
            {{ ref('season') }} as season
            on case
                when (season.first_month, season.first_day) <= (season.last_month, season.last_day)
                then
                    (month(days.date_on), day(days.date_on)) >= (season.first_month, season.first_day)
                    and (month(days.date_on), day(days.date_on)) <= (season.last_month, season.last_day)
                else
                    (month(days.date_on), day(days.date_on)) >= (season.first_month, season.first_day)
                    or (month(days.date_on), day(days.date_on)) <= (season.last_month, season.last_day)
            end
        group by days.date_on
    )

select
    days.date_on,
    cast(year(days.date_on) as integer) as year_no,
    cast(quarter(days.date_on) as integer) as quarter,
    cast(month(days.date_on) as integer) as month,
    cast(isoyear(days.date_on) as integer) as iso_year,
    cast(weekofyear(days.date_on) as integer) as iso_week,
    weekday.weekday_no,
    weekday.weekday_zh,
    coalesce(holiday.is_makeup_workday, not weekday.is_weekend and holiday.date_on is null) as is_workday,
    coalesce(not holiday.is_makeup_workday, false) as is_holiday,
    coalesce(holiday.is_makeup_workday, false) as is_makeup_workday,
    case when not holiday.is_makeup_workday then holiday.name_zh end as holiday_name_zh,
    case when not holiday.is_makeup_workday then holiday.holiday_block_id end as holiday_block_id,
    case when not holiday.is_makeup_workday then holiday.holiday_day_no end as holiday_day_no,
    coalesce(known_years.source, 'unpublished') as holiday_source,
    lunar.lunar_month,
    cast(days.date_on - lunar.first_on + 1 as integer) as lunar_day,
    lunar.is_leap_month as is_leap_lunar_month,
    solar_term.name_zh as solar_term,
    seasons.season_tag,
    coalesce(seasons.is_sensitive, false) as is_sensitive_window
from days
inner join {{ ref('weekday') }} as weekday on isodow(days.date_on) = weekday.weekday_no
left join {{ ref('holiday') }} as holiday on days.date_on = holiday.date_on
left join known_years on year(days.date_on) = known_years.year_no
left join seasons on days.date_on = seasons.date_on
left join chinese on chinese.is_used
left join
    {{ ref('lunar_month') }} as lunar
    on chinese.is_used
    and days.date_on >= lunar.first_on
    and days.date_on < lunar.next_on
left join {{ ref('solar_term') }} as solar_term on chinese.is_used and days.date_on = solar_term.date_on
