{{ config(enabled=fed_by('ebike', 'charging_day', 'smart_alarm', 'estate')) }}
with
    bikes as (
        select
            bike.estate_no,
            bike.month_on,
            min(bike.division_code) as division_code,
            cast(sum(bike.ebikes_n) as bigint) as ebikes_n,
            cast(sum(bike.lithium_n) as bigint) as lithium_n,
            count(distinct bike.building_no) as buildings_n,
            max(bike.ebikes_n) filter (where bike.address_no is not null) as flat_ebikes_max_n
        from {{ ref('fct_ebike_flat_month') }} as bike
        where bike.estate_no is not null
        group by bike.estate_no, bike.month_on
    ),

    sites as (
        select
            site.estate_no,
            site.site_no,
            cast(date_trunc('month', site.date_on) as date) as month_on,
            min(site.division_code) as division_code,
            max(site.ports_n) as ports_n,
            count(*) as days_n,
            sum(site.charges_n) as charges_n,
            sum(site.kwh) as kwh,
            sum(site.faults_n) as faults_n,
            sum(site.overheat_n) as overheat_n
        from {{ ref('fct_charging_day') }} as site
        where site.estate_no is not null
        group by site.estate_no, site.site_no, date_trunc('month', site.date_on)
    ),

    charging as (
        select
            sites.estate_no,
            sites.month_on,
            min(sites.division_code) as division_code,
            count(*) as sites_n,
            cast(sum(sites.ports_n) as bigint) as ports_n,
            cast(sum(sites.ports_n * sites.days_n) as bigint) as port_days_n,
            cast(sum(sites.charges_n) as bigint) as charges_n,
            sum(sites.kwh) as kwh,
            cast(sum(sites.faults_n) as bigint) as faults_n,
            cast(sum(sites.overheat_n) as bigint) as overheat_n
        from sites
        group by sites.estate_no, sites.month_on
    ),

    -- A building belongs to the community in which its e-bikes are registered: nothing else tells it.
    buildings as (
        select bike.building_no, min(bike.estate_no) as estate_no
        from {{ ref('fct_ebike_flat_month') }} as bike
        where bike.building_no is not null
        group by bike.building_no
    ),

    by_building as (
        select
            buildings.estate_no,
            alarm.building_no,
            cast(date_trunc('month', alarm.alarmed_on) as date) as month_on,
            count(*) filter (where alarm.is_lift and not alarm.is_false) as lift_n,
            count(*) filter (where alarm.is_heat and not alarm.is_false) as heat_n
        from {{ ref('fct_smart_alarm') }} as alarm
        inner join buildings on alarm.building_no = buildings.building_no
        group by buildings.estate_no, alarm.building_no, date_trunc('month', alarm.alarmed_on)
    ),

    alarms as (
        select
            by_building.estate_no,
            by_building.month_on,
            cast(sum(by_building.lift_n) as bigint) as lift_alarms_n,
            cast(sum(by_building.heat_n) as bigint) as heat_alarms_n,
            count(*) filter (where by_building.lift_n >= {{ threshold('lift_alarms_building_n') }}) as lift_buildings_n
        from by_building
        group by by_building.estate_no, by_building.month_on
    ),

    months as (
        select bikes.estate_no, bikes.month_on
        from bikes
        union
        select charging.estate_no, charging.month_on
        from charging
    )

select
    months.month_on,
    months.estate_no,
    estate.estate_name,
    coalesce(bikes.division_code, charging.division_code) as division_code,
    bikes.ebikes_n,
    bikes.lithium_n,
    {{ percent_of('bikes.lithium_n', 'bikes.ebikes_n') }} as lithium_pct,
    bikes.flat_ebikes_max_n,
    charging.sites_n as charging_sites_n,
    charging.ports_n,
    cast(bikes.ebikes_n * 1.0 / nullif(charging.ports_n, 0) as decimal(10, 2)) as ebikes_per_port,
    bikes.ebikes_n > charging.ports_n * {{ threshold('ebikes_per_port_high') }} as is_short_of_ports,
    charging.charges_n,
    cast(charging.charges_n * 1.0 / nullif(charging.port_days_n, 0) as decimal(10, 2)) as charges_per_port_day,
    cast(charging.kwh as decimal(14, 2)) as charging_kwh,
    charging.faults_n as port_faults_n,
    charging.overheat_n as port_overheats_n,
    cast(charging.faults_n * 1000.0 / nullif(charging.port_days_n, 0) as decimal(10, 2)) as faults_per_1k_port_days,
    case when bikes.buildings_n > 0 then coalesce(alarms.lift_alarms_n, 0) end as lift_alarms_n,
    case when bikes.buildings_n > 0 then coalesce(alarms.lift_buildings_n, 0) end as lift_buildings_n,
    case when bikes.buildings_n > 0 then coalesce(alarms.heat_alarms_n, 0) end as heat_alarms_n
from months
left join bikes on months.estate_no = bikes.estate_no and months.month_on = bikes.month_on
left join charging on months.estate_no = charging.estate_no and months.month_on = charging.month_on
left join alarms on months.estate_no = alarms.estate_no and months.month_on = alarms.month_on
left join {{ ref('dim_estate') }} as estate on months.estate_no = estate.estate_no
