{{ config(enabled=fed_by('air_hour')) }}
with
    items as (
        select
            iaqi.place_key,
            iaqi.station_key,
            iaqi.division_code,
            iaqi.date_on,
            iaqi.index_std,
            iaqi.is_in_force,
            iaqi.item,
            max(iaqi.iaqi) as iaqi
        from {{ ref('air_iaqi') }} as iaqi
        group by
            iaqi.place_key,
            iaqi.station_key,
            iaqi.division_code,
            iaqi.date_on,
            iaqi.index_std,
            iaqi.is_in_force,
            iaqi.item
    ),

    -- Without one of the items the largest of the others could be too small: there is no index then.
    indices as (
        select
            items.place_key,
            items.station_key,
            items.division_code,
            items.date_on,
            items.index_std,
            items.is_in_force,
            case
                when count(items.iaqi) = (select count(*) from {{ std_in_force('std_air_item', ['item']) }} as item)
                then greatest(max(items.iaqi), 1)
            end as aqi
        from items
        group by
            items.place_key, items.station_key, items.division_code, items.date_on, items.index_std, items.is_in_force
    ),

    primaries as (
        select
            indices.place_key,
            indices.date_on,
            indices.index_std,
            string_agg(items.item, '、' order by item.order_no) as primary_pollutant
        from indices
        inner join
            items
            on indices.place_key = items.place_key
            and indices.date_on = items.date_on
            and indices.index_std = items.index_std
        inner join {{ std_in_force('std_air_item', ['item']) }} as item on items.item = item.item
        where indices.aqi > {{ threshold('aqi_primary_above') }} and items.iaqi = indices.aqi
        group by indices.place_key, indices.date_on, indices.index_std
    )

select
    indices.place_key,
    indices.station_key,
    indices.division_code,
    indices.date_on,
    indices.index_std,
    indices.is_in_force,
    indices.aqi,
    primaries.primary_pollutant,
    class.name_zh as class_zh,
    class.colour_zh,
    coalesce(class.is_good, false) as is_good
from indices
left join
    primaries
    on indices.place_key = primaries.place_key
    and indices.date_on = primaries.date_on
    and indices.index_std = primaries.index_std
left join
    {{ std_in_force('std_aqi_class', ['class_no']) }} as class
    on indices.aqi >= class.aqi_from
    and indices.aqi <= class.aqi_to
