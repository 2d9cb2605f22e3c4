{{ config(enabled=fed_by('air_hour')) }}
with
    windows as ({{ indicator_windows() }}),

    places as (
        select division.division_code, level.scope
        from {{ ref('dim_admin_division') }} as division
        inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
    ),

    -- The index of the standard in force under no name, that of each standard under its own.
    indices as (
        select
            air_index.*,
            unnest(
                case when air_index.is_in_force then ['', air_index.index_std] else [air_index.index_std] end
            ) as variant
        from {{ ref('air_index') }} as air_index
        where air_index.station_key is null
    ),

    days as (
        select
            indices.division_code,
            indices.date_on,
            indices.variant,
            indices.aqi,
            indices.aqi <= {{ threshold('aqi_good_up_to') }} as is_good
        from indices
        where indices.aqi is not null
    ),

    means as (
        select
            item.mean_part,
            air_day.division_code,
            air_day.date_on,
            -- Sums of doubles depend on their order.
            cast(air_day.concentration as decimal(38, 15)) as concentration
        from {{ ref('air_day') }} as air_day
        inner join {{ std_in_force('std_air_item', ['item']) }} as item on air_day.item = item.item
        where air_day.station_key is null and item.mean_part is not null
    ),

    parts as (
        select
            'aqi' as part,
            days.variant,
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            days.division_code,
            cast(days.aqi as double) as value,
            cast(days.aqi as decimal(24, 6)) as numerator,
            cast(null as decimal(24, 6)) as denominator
        from days
        inner join windows on days.date_on = windows.first_on and windows.first_on = windows.last_on
        union all
        select
            'is_primary' as part,
            item.item as variant,
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            indices.division_code,
            cast(
                coalesce(list_contains(string_split(indices.primary_pollutant, '、'), item.item), false) as double
            ) as value,
            cast(
                coalesce(list_contains(string_split(indices.primary_pollutant, '、'), item.item), false) as decimal(
                    24, 6
                )
            ) as numerator,
            cast(null as decimal(24, 6)) as denominator
        from {{ ref('air_index') }} as indices
        cross join {{ std_in_force('std_air_item', ['item']) }} as item
        inner join windows on indices.date_on = windows.first_on and windows.first_on = windows.last_on
        where indices.station_key is null and indices.is_in_force and indices.aqi is not null
        union all
        select
            'good_days_rate' as part,
            days.variant,
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            days.division_code,
            cast(count(*) filter (where days.is_good) as double) / count(*) as value,
            cast(count(*) filter (where days.is_good) as decimal(24, 6)) as numerator,
            cast(count(*) as decimal(24, 6)) as denominator
        from days
        inner join windows on days.date_on >= windows.first_on and days.date_on <= windows.last_on
        group by days.variant, windows.window_kind, windows.first_on, windows.last_on, days.division_code
        union all
        select
            means.mean_part as part,
            '' as variant,
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            means.division_code,
            cast(sum(means.concentration) as double) / count(*) as value,
            cast(sum(means.concentration) as decimal(24, 6)) as numerator,
            cast(count(*) as decimal(24, 6)) as denominator
        from means
        inner join windows on means.date_on >= windows.first_on and means.date_on <= windows.last_on
        group by means.mean_part, windows.window_kind, windows.first_on, windows.last_on, means.division_code
    )

select
    named.indicator_id,
    parts.part,
    parts.variant,
    parts.window_kind,
    parts.first_on,
    parts.last_on,
    places.scope,
    parts.division_code,
    parts.value,
    parts.numerator,
    parts.denominator
from parts
inner join places on parts.division_code = places.division_code
inner join
    {{ ref('indicator_part') }} as named
    on parts.part = named.part
    and parts.variant = coalesce(named.variant, '')
    and list_contains(string_split(named.windows, ' '), parts.window_kind)
    and list_contains(string_split(named.scopes, ' '), places.scope)
where named.valid_from <= {{ as_of() }} and (named.valid_to is null or {{ as_of() }} < named.valid_to)
