{{ config(enabled=fed_by('dust_hour', 'site')) }}
with
    windows as (
        select indicator_window.window_kind, indicator_window.first_on, indicator_window.last_on
        from ({{ indicator_windows() }}) as indicator_window
        where indicator_window.first_on < indicator_window.last_on
    ),

    -- A device is expected to report from its first to its last day.
    span as (
        select dust.site_key, min(dust.day_on) as first_day_on, max(dust.day_on) as last_day_on
        from {{ ref('fct_dust_daily') }} as dust
        group by dust.site_key
    )

select
    windows.window_kind,
    windows.first_on,
    windows.last_on,
    dust.site_key,
    max(site.site_no) as site_no,
    max(site.site_name) as site_name,
    max(site.builder) as builder,
    max(dust.division_code) as division_code,
    max(site.stage_zh) as stage_zh,
    cast(sum(dust.hours_n) as bigint) as hours_n,
    cast(sum(dust.hours_over_n) as bigint) as hours_over_n,
    {{ percent_of('sum(dust.hours_over_n)', 'sum(dust.hours_n)') }} as hours_over_pct,
    cast(sum(dust.hours_red_n) as bigint) as hours_red_n,
    count(*) filter (where dust.hours_over_n >= {{ threshold('dust_over_hours_a_day') }}) as days_over_n,
    max(dust.pm10_max_ug_m3) as pm10_max_ug_m3,
    cast(sum(dust.pm10_sum_ug_m3) / sum(dust.hours_n) as decimal(9, 1)) as pm10_mean_ug_m3,
    cast(sum(dust.hours_flat_n) as bigint) as hours_flat_n,
    cast(sum(dust.hours_repaired_n) as bigint) as hours_repaired_n,
    count(*) as days_n,
    cast(
        date_diff(
            'day', greatest(windows.first_on, min(span.first_day_on)), least(windows.last_on, max(span.last_day_on))
        )
        + 1
        - count(*) as bigint
    ) as days_silent_n
from windows
inner join {{ ref('fct_dust_daily') }} as dust on dust.day_on between windows.first_on and windows.last_on
inner join span on dust.site_key = span.site_key
left join {{ ref('dim_site') }} as site on dust.site_key = site.site_key
group by windows.window_kind, windows.first_on, windows.last_on, dust.site_key
