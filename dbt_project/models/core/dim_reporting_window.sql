with
    anchors as (
        select
            form.kind,
            form.label_form,
            day.date_on as anchor_on,
            cast(day.date_on + form.shift_days as timestamp) + to_hours(form.start_hour) as local_start,
            cast(day.date_on + form.shift_days as timestamp)
            + to_hours(form.start_hour)
            + to_days(form.length_days)
            + to_months(form.length_months) as local_end
        from {{ ref('dim_date') }} as day
        inner join
            {{ ref('reporting_window_kind') }} as form
            on (form.anchor_weekday_no is null or day.weekday_no = form.anchor_weekday_no)
            and (form.anchor_month_day is null or day(day.date_on) = form.anchor_month_day)
            and (form.anchor_every_months is null or (month(day.date_on) - 1) % form.anchor_every_months = 0)
    ),

    windows as (
        select
            anchors.*,
            cast(anchors.local_start as date) as starts_on,
            cast(anchors.local_end - interval 1 microsecond as date) as ends_on
        from anchors
        -- Only windows that have closed: a figure of half a week would look like one of a week.
        where anchors.local_end <= cast({{ as_of() }} + 1 as timestamp)
    ),

    holidays as (
        select
            windows.kind,
            windows.anchor_on,
            string_agg(distinct day.holiday_name_zh, '、' order by day.holiday_name_zh) as holiday_name_zh
        from windows
        inner join
            {{ ref('dim_date') }} as day
            on day.date_on >= windows.starts_on
            and day.date_on <= windows.ends_on
            and day.is_holiday
        group by windows.kind, windows.anchor_on
    )

select
    windows.kind || ':' || windows.anchor_on as window_id,
    windows.kind,
    windows.anchor_on as label_on,
    {{ instant_of('windows.local_start') }} as starts_at,
    {{ instant_of('windows.local_end') }} as ends_at,
    windows.starts_on,
    windows.ends_on,
    case
        windows.label_form
        when 'day'
        then {{ date_zh('windows.starts_on') }}
        when 'month'
        then year(windows.starts_on) || '年' || month(windows.starts_on) || '月'
        when 'quarter'
        then year(windows.starts_on) || '年第' || quarter(windows.starts_on) || '季度'
        when 'months'
        then
            year(windows.starts_on)
            || '年'
            || month(windows.starts_on)
            || '月—'
            || year(windows.ends_on)
            || '年'
            || month(windows.ends_on)
            || '月'
        when 'noon'
        then
            {{ date_zh('windows.starts_on') }}
            || '12时—'
            || month(windows.ends_on)
            || '月'
            || day(windows.ends_on)
            || '日12时'
        else
            {{ date_zh('windows.starts_on') }}
            || '—'
            || case when year(windows.ends_on) <> year(windows.starts_on) then year(windows.ends_on) || '年' else '' end
            || month(windows.ends_on)
            || '月'
            || day(windows.ends_on)
            || '日'
    end as label_zh,
    holidays.holiday_name_zh is not null as touches_holiday,
    holidays.holiday_name_zh
from windows
left join holidays on windows.kind = holidays.kind and windows.anchor_on = holidays.anchor_on
