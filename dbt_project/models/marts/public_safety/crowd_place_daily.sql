{{ config(enabled=fed_by('venue_slot')) }}
with
    days as (
        select
            venue.*,
            coalesce(calendar.is_holiday, false) as is_holiday,
            calendar.holiday_block_id,
            calendar.holiday_day_no,
            not coalesce(calendar.is_workday, true) as is_free_day
        from {{ ref('fct_venue_daily') }} as venue
        left join {{ ref('dim_date') }} as calendar on venue.day_on = calendar.date_on
    ),

    -- Last year's day: the same day of the same holiday, else the same weekday.
    twin_days as (
        select
            today.date_on,
            coalesce(
                holiday.date_on,
                cast(today.date_on - to_days(7 * cast({{ threshold('weeks_in_a_year') }} as integer)) as date)
            ) as last_year_on
        from {{ ref('dim_date') }} as today
        left join
            {{ ref('dim_date') }} as holiday
            on today.is_holiday
            and holiday.is_holiday
            and today.holiday_name_zh = holiday.holiday_name_zh
            and today.holiday_day_no = holiday.holiday_day_no
            and holiday.year_no = today.year_no - 1
    ),

    -- What the venue usually has on such a day: the same weekday of the weeks before, free days with free days only.
    usual as (
        select days.venue_key, days.day_on, count(past.day_on) as days_n, sum(past.visitors_n) as visitors_n
        from days
        inner join
            days as past
            on days.venue_key = past.venue_key
            and past.day_on < days.day_on
            and past.day_on >= days.day_on - to_days(7 * cast({{ threshold('expectation_weeks') }} as integer))
            and isodow(past.day_on) = isodow(days.day_on)
            and past.is_free_day = days.is_free_day
            and past.is_holiday = days.is_holiday
        group by days.venue_key, days.day_on
    )

select
    days.venue_key,
    days.day_on,
    days.venue_no,
    days.venue_name,
    days.kind_name,
    days.division_code,
    days.is_free_day,
    days.is_holiday,
    days.holiday_block_id,
    days.holiday_day_no,
    days.capacity_n,
    days.visitors_n,
    days.peak_inside_n,
    days.peak_slot_no,
    cast(days.peak_inside_n * 100.0 / nullif(days.capacity_n, 0) as decimal(9, 1)) as peak_load_pct,
    days.over_capacity_slots_n,
    days.peak_inside_n > days.capacity_n as is_over_capacity,
    coalesce(days.peak_inside_n * 100.0 >= days.capacity_n * {{ threshold('crowd_warn_pct') }}, false) as is_crowded,
    cast(usual.visitors_n * 1.0 / nullif(usual.days_n, 0) as decimal(12, 1)) as usual_visitors_n,
    coalesce(usual.days_n, 0) as usual_days_n,
    cast(
        days.visitors_n * 100.0 * usual.days_n / nullif(usual.visitors_n, 0) as decimal(12, 1)
    ) as visitors_to_usual_pct,
    last_year.visitors_n as last_year_visitors_n,
    days.faulty_slots_n,
    cast(days.faulty_slots_n * 100.0 / days.slots_n as decimal(5, 1)) as faulty_slots_pct
from days
left join usual on days.venue_key = usual.venue_key and days.day_on = usual.day_on
left join twin_days on days.day_on = twin_days.date_on
left join days as last_year on days.venue_key = last_year.venue_key and twin_days.last_year_on = last_year.day_on
