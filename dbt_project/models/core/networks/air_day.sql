{{ config(enabled=fed_by('air_hour')) }}
with
    valid as (select station_day.* from {{ ref('air_station_day') }} as station_day where station_day.is_valid),

    -- Means of different numbers of hours are added as whole numbers of a common part, so that no rounding creeps in.
    common as (select cast(coalesce(product(distinct valid.hours_n), 1) as bigint) as parts_n from valid),

    divisions as (
        select
            scope.scope_code as division_code,
            valid.date_on,
            valid.item,
            valid.period,
            sum(valid.total * cast(common.parts_n / valid.hours_n as bigint)) as total,
            count(*) * any_value(common.parts_n) as parts_n,
            count(*) as stations_n
        from valid
        cross join common
        inner join
            {{ ref('bridge_division_scope') }} as scope on valid.division_code is not distinct from scope.division_code
        inner join {{ ref('dim_admin_division') }} as division on scope.scope_code = division.division_code
        group by scope.scope_code, valid.date_on, valid.item, valid.period
    ),

    places as (
        select
            cast(null as varchar) as station_key,
            divisions.division_code,
            divisions.date_on,
            divisions.item,
            divisions.period,
            divisions.total,
            divisions.parts_n,
            divisions.stations_n
        from divisions
        union all
        select
            valid.station_key,
            valid.division_code,
            valid.date_on,
            valid.item,
            valid.period,
            valid.total,
            valid.hours_n as parts_n,
            1 as stations_n
        from valid
    )

select
    coalesce('station:' || places.station_key, 'division:' || places.division_code) as place_key,
    places.station_key,
    places.division_code,
    places.date_on,
    places.item,
    places.period,
    cast(places.total as double) / places.parts_n as concentration,
    -- The quotient of two whole numbers is exactly a half where it is one; a tenth of a double is not.
    cast(
        round_even(cast(places.total * item.steps_n as double) / places.parts_n, 0) / item.steps_n as decimal(10, 1)
    ) as rounded_concentration,
    places.stations_n
from places
inner join {{ std_in_force('std_air_item', ['item']) }} as item on places.item = item.item
