{{ config(enabled=fed_by(
    'grid', 'case', 'flood_depth_hour', 'component', 'site', 'equipment', 'estate', 'gas_check', 'command_lead', 'stock',
    'rescue_team', 'shelter'
)) }}
with
    grids as (select grid.* from {{ ref('dim_grid') }} as grid where grid.is_current and grid.village_code is not null),

    communities as (
        select
            grids.village_code as community_code,
            min(grids.division_code) as division_code,
            cast(coalesce(sum(grids.residents_n), 0) as bigint) as residents_n,
            cast(coalesce(sum(grids.households_n), 0) as bigint) as households_n,
            cast(coalesce(sum(grids.elderly80_n), 0) as bigint) as elderly80_n,
            sum(grids.area_km2) as area_km2,
            cast(avg(grids.latitude) as decimal(9, 6)) as latitude,
            cast(avg(grids.longitude) as decimal(9, 6)) as longitude
        from grids
        group by grids.village_code
    ),

    flooded as (
        select grids.village_code, sum(grids.residents_n) as near_n
        from grids
        where
            exists (
                select 1
                from {{ ref('dim_flood_point') }} as point
                where
                    point.latitude is not null
                    and {{ metres_between('grids.latitude', 'grids.longitude', 'point.latitude', 'point.longitude') }}
                    <= {{ threshold('flood_near_m') }}
            )
        group by grids.village_code
    ),

    told as (
        select
            grids.village_code,
            count(*) filter (where network.is_flood) as waterlogging_n,
            count(*) filter (where sign.is_charging) as charging_n,
            count(*) filter (where sign.is_lane or sign.is_facility) as faults_n
        from {{ ref('case_counted') }} as fact
        inner join grids on fact.grid_id = grids.grid_id
        left join {{ ref('network_category') }} as network on fact.category_key = network.category_key
        left join {{ ref('fire_sign') }} as sign on fact.category_key = sign.category_key
        where
            fact.created_on > {{ as_of() }} - cast({{ threshold('season_days') }} as integer)
            and fact.created_on <= {{ as_of() }}
            and not fact.is_void
        group by grids.village_code
    ),

    rentals as (
        select grids.village_code, count(*) as leads_n
        from {{ ref('fct_command_lead') }} as lead
        inner join {{ ref('group_rental_model') }} as model on lead.model_id = model.model_id
        inner join grids on lead.grid_id = grids.grid_id
        where not lead.is_copy and lead.is_false is not true
        group by grids.village_code
    ),

    objects as (
        select grids.village_code, count(*) as objects_n
        from {{ ref('fct_component_snapshot') }} as component
        inner join
            {{ std_in_force('std_stress_object', ['component_type_key', 'valid_from']) }} as thrown
            on component.component_type_key = thrown.component_type_key
        inner join grids on component.grid_id = grids.grid_id
        where component.ds = (select max(newest.ds) from {{ ref('fct_component_snapshot') }} as newest)
        group by grids.village_code
    ),

    -- A lift or a site lies in the grid of its township whose middle is nearest.
    points as (
        select
            lift.equipment_key as point_key, lift.division_code, lift.latitude, lift.longitude, 1 as lift_n, 0 as site_n
        from {{ ref('fct_equipment_due_snapshot') }} as lift
        where
            lift.is_lift
            and lift.is_in_use
            and lift.latitude is not null
            and lift.ds = (select max(newest.ds) from {{ ref('fct_equipment_due_snapshot') }} as newest)
        union all
        select site.site_key as point_key, site.division_code, site.latitude, site.longitude, 0 as lift_n, 1 as site_n
        from {{ ref('dim_site') }} as site
        where site.is_at_work and site.latitude is not null
    ),

    placed as (
        select
            points.point_key,
            points.lift_n,
            points.site_n,
            arg_min(
                grids.village_code,
                (
                    {{ metres_between('points.latitude', 'points.longitude', 'grids.latitude', 'grids.longitude') }},
                    grids.grid_id
                )
            ) as village_code
        from points
        inner join grids on points.division_code = grids.division_code and grids.latitude is not null
        group by points.point_key, points.lift_n, points.site_n
    ),

    standing as (
        select placed.village_code, sum(placed.lift_n) as lifts_n, sum(placed.site_n) as sites_n
        from placed
        group by placed.village_code
    ),

    -- Of these no community is delivered: a community has its township's.
    estates as (
        select
            estate.division_code,
            count(*) as estates_n,
            count(*) filter (
                where year({{ as_of() }}) - estate.built_year > {{ threshold('old_building_years') }}
            ) as old_n
        from {{ ref('dim_estate') }} as estate
        where estate.built_year is not null
        group by estate.division_code
    ),

    gas as (
        select gas_user.division_code, count(*) as users_n, count(*) filter (where gas_user.is_hazard_open) as hazards_n
        from {{ ref('dim_gas_user') }} as gas_user
        group by gas_user.division_code
    ),

    townships as (
        select communities.division_code, sum(communities.residents_n) as residents_n
        from communities
        group by communities.division_code
    ),

    shelters as (
        select
            shelter.division_code,
            sum(shelter.capacity_n) as places_n,
            sum(shelter.capacity_n) filter (where shelter.is_indoor) as indoor_places_n
        from {{ ref('dim_shelter') }} as shelter
        group by shelter.division_code
    ),

    wide as (
        select
            communities.community_code,
            cast(coalesce(flooded.near_n, 0) as decimal(18, 6)) as near_flood_residents_n,
            cast(
                100.0 * coalesce(told.waterlogging_n, 0) / nullif(communities.households_n, 0) as decimal(18, 6)
            ) as waterlogging_per_100_households,
            cast(
                100.0 * coalesce(estates.old_n, 0) / nullif(estates.estates_n, 0) as decimal(18, 6)
            ) as old_estates_pct,
            cast(
                1000.0 * coalesce(shelters.places_n, 0) / nullif(townships.residents_n, 0) as decimal(18, 6)
            ) as shelter_places_per_1k,
            cast(
                1000.0 * coalesce(shelters.indoor_places_n, 0) / nullif(townships.residents_n, 0) as decimal(18, 6)
            ) as indoor_places_per_1k,
            cast(coalesce(objects.objects_n, 0) as decimal(18, 6)) as wind_objects_n,
            cast(coalesce(standing.sites_n, 0) as decimal(18, 6)) as active_sites_n,
            cast(coalesce(standing.lifts_n, 0) as decimal(18, 6)) as lifts_n,
            cast(communities.elderly80_n as decimal(18, 6)) as elderly80_n,
            cast(
                100.0 * communities.elderly80_n / nullif(communities.residents_n, 0) as decimal(18, 6)
            ) as elderly80_pct,
            cast(communities.households_n as decimal(18, 6)) as households_n,
            cast(
                cast(coalesce(gas.users_n, 0) * communities.residents_n as decimal(24, 6))
                / nullif(townships.residents_n, 0) as decimal(18, 6)
            ) as gas_users_n,
            cast(1000.0 * gas.hazards_n / nullif(gas.users_n, 0) as decimal(18, 6)) as gas_hazards_per_1k_users,
            cast(coalesce(rentals.leads_n, 0) as decimal(18, 6)) as rental_leads_n,
            cast(coalesce(told.charging_n, 0) as decimal(18, 6)) as charging_cases_n,
            cast(
                100.0 * coalesce(told.faults_n, 0) / nullif(communities.households_n, 0) as decimal(18, 6)
            ) as fire_faults_per_100_households,
            cast(communities.residents_n / nullif(communities.area_km2, 0) as decimal(18, 6)) as residents_per_km2
        from communities
        inner join townships on communities.division_code = townships.division_code
        left join flooded on communities.community_code = flooded.village_code
        left join told on communities.community_code = told.village_code
        left join rentals on communities.community_code = rentals.village_code
        left join objects on communities.community_code = objects.village_code
        left join standing on communities.community_code = standing.village_code
        left join estates on communities.division_code = estates.division_code
        left join gas on communities.division_code = gas.division_code
        left join shelters on communities.division_code = shelters.division_code
    ),

    stocks as (
        select
            communities.community_code,
            resource.measure,
            cast(
                10000 * sum(coalesce(stock.quantity, 0)) / nullif(max(townships.residents_n), 0) as decimal(18, 6)
            ) as value
        from communities
        inner join townships on communities.division_code = townships.division_code
        cross join {{ std_in_force('std_stress_resource', ['resource_code', 'valid_from']) }} as resource
        left join
            {{ ref('fct_stock_snapshot') }} as stock
            on communities.division_code = stock.division_code
            and resource.resource_code = stock.resource_code
            and stock.ds = (select max(newest.ds) from {{ ref('fct_stock_snapshot') }} as newest)
        where resource.resource_code not in (select kind.resource_code from {{ ref('rescue_team_kind') }} as kind)
        group by communities.community_code, resource.measure
    ),

    teams as (
        select
            communities.community_code,
            resource.measure,
            cast(
                min(
                    {{ metres_between('communities.latitude', 'communities.longitude', 'team.latitude', 'team.longitude') }}
                ) as decimal(18, 6)
            ) as value
        from communities
        cross join {{ std_in_force('std_stress_resource', ['resource_code', 'valid_from']) }} as resource
        inner join {{ ref('dim_resource') }} as team on resource.resource_code = team.resource_code
        inner join {{ ref('rescue_team_kind') }} as kind on team.resource_code = kind.resource_code
        where team.latitude is not null and communities.latitude is not null
        group by communities.community_code, resource.measure
    ),

    measures as (unpivot wide on columns(* exclude (community_code)) into name measure value value),

    gathered as (
        select measures.community_code, measures.measure, measures.value
        from measures
        union all
        select stocks.community_code, stocks.measure, stocks.value
        from stocks
        union all
        select teams.community_code, teams.measure, teams.value
        from teams
    )

select
    gathered.community_code,
    communities.division_code,
    gathered.measure,
    gathered.value,
    communities.residents_n,
    communities.households_n
from gathered
inner join communities on gathered.community_code = communities.community_code
where gathered.value is not null
