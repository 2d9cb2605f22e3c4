{{ config(enabled=fed_by(
    'grid', 'flood_depth_hour', 'major_hazard_day', 'enterprise', 'hazard', 'inspection', 'business', 'shelter', 'stock',
    'rescue_team', 'estate', 'bridge', 'response_event', 'response_module', 'component'
)) }}
with
    scenarios as (
        select scenario.* from {{ std_in_force('std_scenario', ['scenario_key', 'valid_from']) }} as scenario
    ),

    middles as (
        select
            grid.division_code,
            cast(avg(grid.latitude) as decimal(9, 6)) as latitude,
            cast(avg(grid.longitude) as decimal(9, 6)) as longitude
        from {{ ref('dim_grid') }} as grid
        where grid.is_current and grid.latitude is not null
        group by grid.division_code
    ),

    sites as (
        select
            scenarios.scenario_key,
            point.point_key as site_key,
            point.point_name as site_zh,
            point.division_code,
            point.latitude,
            point.longitude
        from scenarios
        cross join {{ ref('dim_flood_point') }} as point
        where scenarios.is_flood and point.latitude is not null
        union all
        select
            scenarios.scenario_key,
            hazard.hazard_source_key as site_key,
            hazard.chemical as site_zh,
            hazard.division_code,
            enterprise.latitude,
            enterprise.longitude
        from scenarios
        cross join {{ ref('dim_major_hazard_source') }} as hazard
        inner join {{ ref('dim_enterprise') }} as enterprise on hazard.enterprise_key = enterprise.enterprise_key
        where scenarios.is_hazchem and enterprise.latitude is not null
        union all
        select
            scenarios.scenario_key,
            middles.division_code as site_key,
            division.name_zh as site_zh,
            middles.division_code,
            middles.latitude,
            middles.longitude
        from scenarios
        cross join middles
        inner join {{ ref('dim_admin_division') }} as division on middles.division_code = division.division_code
        where scenarios.is_wind
    ),

    -- A grid is hit by the part of its circle that a circle of the buffer can cover: all of it where it is smaller than
    -- the buffer and its middle lies within, else in the ratio of the areas; nearer than both radii, and no physics.
    hit as (
        select
            sites.scenario_key,
            sites.site_key,
            grid.grid_id,
            grid.residents_n,
            grid.elderly80_n,
            cast(
                case
                    when scenarios.buffer_m is null
                    then 1
                    else
                        least(
                            pi()
                            * scenarios.buffer_m
                            * scenarios.buffer_m
                            / nullif(cast(grid.area_km2 as double) * 1000000, 0),
                            1
                        )
                end as decimal(9, 6)
            ) as share
        from sites
        inner join scenarios on sites.scenario_key = scenarios.scenario_key
        inner join
            {{ ref('dim_grid') }} as grid
            on grid.is_current
            and grid.latitude is not null
            and (
                (scenarios.buffer_m is null and grid.division_code = sites.division_code)
                or {{ metres_between('sites.latitude', 'sites.longitude', 'grid.latitude', 'grid.longitude') }}
                <= greatest(scenarios.buffer_m, cast(sqrt(cast(grid.area_km2 as double) / pi()) * 1000 as integer))
            )
    ),

    people as (
        select
            hit.scenario_key,
            hit.site_key,
            count(*) as grids_n,
            -- A grid whose residents are not told has at least those of its people who are told.
            cast(
                round(
                    sum(greatest(coalesce(hit.residents_n, 0), coalesce(hit.elderly80_n, 0)) * hit.share), 0
                ) as bigint
            ) as people_n,
            cast(round(sum(coalesce(hit.elderly80_n, 0) * hit.share), 0) as bigint) as elderly80_n
        from hit
        group by hit.scenario_key, hit.site_key
    ),

    facilities as (
        select shelter.latitude, shelter.longitude, shelter.division_code, 1 as shelter_n, 0 as hazchem_n, 0 as bridge_n
        from {{ ref('dim_shelter') }} as shelter
        where shelter.latitude is not null
        union all
        select
            enterprise.latitude,
            enterprise.longitude,
            enterprise.division_code,
            0 as shelter_n,
            1 as hazchem_n,
            0 as bridge_n
        from {{ ref('dim_enterprise') }} as enterprise
        where enterprise.is_hazchem and enterprise.is_active and enterprise.latitude is not null
        union all
        select bridge.latitude, bridge.longitude, bridge.division_code, 0 as shelter_n, 0 as hazchem_n, 1 as bridge_n
        from {{ ref('dim_bridge') }} as bridge
        where bridge.latitude is not null
    ),

    facilities_hit as (
        select
            sites.scenario_key,
            sites.site_key,
            sum(facilities.shelter_n) as shelters_hit_n,
            sum(facilities.hazchem_n) as hazchem_hit_n,
            sum(facilities.bridge_n) as bridges_hit_n
        from sites
        inner join scenarios on sites.scenario_key = scenarios.scenario_key
        inner join
            facilities
            on (scenarios.buffer_m is null and facilities.division_code = sites.division_code)
            or {{ metres_between('sites.latitude', 'sites.longitude', 'facilities.latitude', 'facilities.longitude') }}
            <= scenarios.buffer_m
        group by sites.scenario_key, sites.site_key
    ),

    -- Shelters that are hit themselves help nobody, but in wind, where those indoors do.
    shelters as (
        select sites.scenario_key, sites.site_key, cast(sum(shelter.capacity_n) as bigint) as places_n
        from sites
        inner join scenarios on sites.scenario_key = scenarios.scenario_key
        inner join
            {{ ref('dim_shelter') }} as shelter
            on shelter.latitude is not null
            and {{ metres_between('sites.latitude', 'sites.longitude', 'shelter.latitude', 'shelter.longitude') }}
            between coalesce(scenarios.buffer_m, 0) and {{ threshold('sandbox_help_m') }}
        where not scenarios.is_wind or shelter.is_indoor
        group by sites.scenario_key, sites.site_key
    ),

    teams as (
        select sites.scenario_key, sites.site_key, cast(sum(coalesce(team.quantity, 0)) as bigint) as rescuers_n
        from sites
        inner join
            {{ ref('dim_resource') }} as team
            on team.latitude is not null
            and {{ metres_between('sites.latitude', 'sites.longitude', 'team.latitude', 'team.longitude') }}
            <= {{ threshold('sandbox_help_m') }}
        inner join {{ ref('rescue_team_kind') }} as kind on team.resource_code = kind.resource_code
        group by sites.scenario_key, sites.site_key
    ),

    bottles as (
        select stock.division_code, sum(stock.quantity) as bottles_n
        from {{ ref('fct_stock_snapshot') }} as stock
        inner join
            {{ std_in_force('std_stress_resource', ['resource_code', 'valid_from']) }} as resource
            on stock.resource_code = resource.resource_code
            and resource.is_water
        where stock.ds = (select max(newest.ds) from {{ ref('fct_stock_snapshot') }} as newest)
        group by stock.division_code
    ),

    modules as (
        select
            guide.event_code,
            guide.level_no,
            string_agg(distinct module.name_zh, '、' order by module.name_zh) as modules_zh
        from {{ ref('dim_response_guide') }} as guide
        inner join {{ ref('dim_response_module') }} as module on guide.module_key = module.module_key
        group by guide.event_code, guide.level_no
    ),

    judged as (
        select
            sites.scenario_key,
            scenarios.name_zh as scenario_zh,
            scenarios.event_code,
            sites.site_key,
            sites.site_zh,
            sites.division_code,
            coalesce(people.grids_n, 0) as grids_n,
            coalesce(people.people_n, 0) as people_n,
            coalesce(people.elderly80_n, 0) as elderly80_n,
            cast(ceil(coalesce(people.people_n, 0) * scenarios.move_pct / 100.0) as bigint) as people_to_move_n,
            coalesce(facilities_hit.shelters_hit_n, 0) as shelters_hit_n,
            coalesce(facilities_hit.hazchem_hit_n, 0) as hazchem_hit_n,
            coalesce(facilities_hit.bridges_hit_n, 0) as bridges_hit_n,
            coalesce(shelters.places_n, 0) as shelter_places_n,
            coalesce(teams.rescuers_n, 0) as rescuers_n,
            cast(coalesce(bottles.bottles_n, 0) as bigint) as water_bottles_n
        from sites
        inner join scenarios on sites.scenario_key = scenarios.scenario_key
        left join people on sites.scenario_key = people.scenario_key and sites.site_key = people.site_key
        left join
            facilities_hit
            on sites.scenario_key = facilities_hit.scenario_key
            and sites.site_key = facilities_hit.site_key
        left join shelters on sites.scenario_key = shelters.scenario_key and sites.site_key = shelters.site_key
        left join teams on sites.scenario_key = teams.scenario_key and sites.site_key = teams.site_key
        left join bottles on sites.division_code = bottles.division_code
    ),

    levelled as (
        select
            judged.*,
            (
                select min(level.level_no)
                from {{ std_in_force('std_scenario_level', ['level_no', 'valid_from']) }} as level
                where judged.people_to_move_n >= level.evacuated_from_n
            ) as level_no
        from judged
    )

select
    {{ as_of() }} as as_of_on,
    levelled.scenario_key,
    levelled.scenario_zh,
    levelled.event_code,
    levelled.site_key,
    levelled.site_zh,
    levelled.division_code,
    levelled.grids_n,
    levelled.people_n,
    levelled.elderly80_n,
    levelled.people_to_move_n,
    cast(levelled.shelters_hit_n as bigint) as shelters_hit_n,
    cast(levelled.hazchem_hit_n as bigint) as hazchem_hit_n,
    cast(levelled.bridges_hit_n as bigint) as bridges_hit_n,
    levelled.level_no,
    named.name_zh as level_zh,
    named.response_zh,
    modules.modules_zh,
    levelled.shelter_places_n,
    cast(greatest(levelled.people_to_move_n - levelled.shelter_places_n, 0) as bigint) as shelter_gap_n,
    levelled.rescuers_n,
    cast(
        greatest(
            ceil(levelled.people_to_move_n / {{ threshold('sandbox_people_per_rescuer') }}) - levelled.rescuers_n, 0
        ) as bigint
    ) as rescuer_gap_n,
    levelled.water_bottles_n,
    cast(
        greatest(
            levelled.people_to_move_n * {{ threshold('sandbox_water_bottles') }} - levelled.water_bottles_n, 0
        ) as bigint
    ) as water_gap_n
from levelled
left join
    {{ std_in_force('std_event_level', ['level_no', 'valid_from']) }} as named on levelled.level_no = named.level_no
left join modules on levelled.event_code = modules.event_code and levelled.level_no = modules.level_no
