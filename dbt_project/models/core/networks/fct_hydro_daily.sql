{{ config(enabled=fed_by('water_level_hour')) }}
-- When the bureau goes over to a new datum some loggers follow late and say they did not. A station that stands above
-- its own level of the days before by about the difference of the datums, while the others do not, is one of them.
with
    change as (
        select min(day.date_on) as changed_on
        from {{ ref('hydro_station_day') }} as day
        where
            day.former_above_1985_m is not null
            and day.date_on > (
                select min(before.date_on)
                from {{ ref('hydro_station_day') }} as before
                where before.former_above_1985_m is null
            )
    ),

    reference as (
        select day.station_key, quantile_disc(day.level_median_stated_m, 0.5) as level_m
        from {{ ref('hydro_station_day') }} as day
        inner join
            change
            on day.date_on < change.changed_on
            and day.date_on >= change.changed_on - cast({{ threshold('datum_reference_days') }} as integer)
        where day.former_above_1985_m is null
        group by day.station_key
    ),

    risen as (
        select
            day.*,
            day.level_median_stated_m - reference.level_m as risen_m,
            -- What rain or tide does it does to most stations.
            quantile_disc(day.level_median_stated_m - reference.level_m, 0.5) over (
                partition by day.date_on
            ) as risen_median_m
        from {{ ref('hydro_station_day') }} as day
        left join reference on day.station_key = reference.station_key
    ),

    judged as (
        select
            risen.*,
            coalesce(
                risen.former_above_1985_m is not null
                and risen.risen_m - risen.risen_median_m
                > risen.former_above_1985_m - (risen.risen_m - risen.risen_median_m),
                false
            ) as is_old_datum_untold
        from risen
    )

select
    judged.station_key,
    judged.date_on,
    judged.station_name,
    judged.station_kind,
    judged.division_code,
    cast(
        judged.level_max_stated_m
        - case when judged.is_old_datum_untold then judged.former_above_1985_m else 0 end as decimal(18, 3)
    ) as level_max_m,
    cast(
        judged.level_min_stated_m
        - case when judged.is_old_datum_untold then judged.former_above_1985_m else 0 end as decimal(18, 3)
    ) as level_min_m,
    cast(judged.warning_level_m as decimal(18, 3)) as warning_level_m,
    judged.level_max_stated_m - case when judged.is_old_datum_untold then judged.former_above_1985_m else 0 end
    >= judged.warning_level_m as is_above_warning,
    judged.rain_mm,
    case
        when judged.is_tidal
        then
            cast(
                judged.level_max_stated_m
                - case when judged.is_old_datum_untold then judged.former_above_1985_m else 0 end as decimal(18, 3)
            )
    end as tide_max_m,
    judged.stated_datum,
    judged.is_old_datum_untold,
    judged.hours_n,
    judged.stuck_hours_n,
    judged.delivered_n
from judged
