{{ config(enabled=fed_by(
    'enterprise', 'hazard', 'inspection', 'business', 'major_hazard_day', 'equipment', 'site', 'gas_alarm',
    'fire_incident', 'grid'
)) }}
with
    newest_list as (select max(device.listed_on) as listed_on from {{ ref('fct_equipment_due_snapshot') }} as device),

    -- Everything that adds to what can go wrong at a place.
    factors as (
        select
            'enterprises' as factor,
            enterprise.division_code,
            enterprise.latitude,
            enterprise.longitude,
            cast(null as varchar) as grid_id,
            1 as factor_n
        from {{ ref('dim_enterprise') }} as enterprise
        inner join
            {{ ref('std_event_level') }} as level
            on enterprise.rated_level_no = level.level_no
            and level.level_no <= {{ threshold('factor_rated_level') }}
        where enterprise.is_active
        union all
        select 'sources', enterprise.division_code, enterprise.latitude, enterprise.longitude, null, 1
        from {{ ref('dim_major_hazard_source') }} as source
        inner join {{ ref('dim_enterprise') }} as enterprise on source.enterprise_key = enterprise.enterprise_key
        union all
        select 'hazards', enterprise.division_code, enterprise.latitude, enterprise.longitude, null, 1
        from {{ ref('fct_hazard_item') }} as hazard
        inner join {{ ref('dim_enterprise') }} as enterprise on hazard.enterprise_key = enterprise.enterprise_key
        where hazard.closed_on is null
        union all
        select 'lifts', device.division_code, device.latitude, device.longitude, null, 1
        from {{ ref('fct_equipment_due_snapshot') }} as device
        inner join newest_list on device.listed_on = newest_list.listed_on
        where device.is_in_use and device.is_lift
        union all
        select 'equipment', device.division_code, device.latitude, device.longitude, null, 1
        from {{ ref('fct_equipment_due_snapshot') }} as device
        inner join newest_list on device.listed_on = newest_list.listed_on
        where device.is_in_use and not device.is_lift
        union all
        select 'sites', site.division_code, site.latitude, site.longitude, null, 1
        from {{ ref('dim_site') }} as site
        where site.is_at_work and site.is_hazardous_works
        union all
        select 'gas_alarms', alarm.division_code, alarm.latitude, alarm.longitude, null, 1
        from {{ ref('fct_gas_alarm') }} as alarm
        where
            not alarm.is_false_alarm
            and alarm.alarm_on > {{ as_of() }} - cast({{ threshold('precursor_days') }} as integer)
        union all
        select 'fires', fire.division_code, fire.latitude, fire.longitude, fire.grid_id, 1
        from {{ ref('fct_fire_incident') }} as fire
        where fire.is_fire and fire.alarmed_on > {{ as_of() }} - cast({{ threshold('precursor_days') }} as integer)
    ),

    points as (
        select distinct factors.division_code, factors.latitude, factors.longitude
        from factors
        where factors.grid_id is null and factors.latitude is not null and factors.longitude is not null
    ),

    -- The grid of a point is the one of its township whose middle lies nearest.
    located as (
        select
            points.division_code,
            points.latitude,
            points.longitude,
            min_by(
                grid.grid_id,
                (
                    cast(points.latitude - grid.latitude as double) * cast(points.latitude - grid.latitude as double)
                    + cast(points.longitude - grid.longitude as double)
                    * cast(points.longitude - grid.longitude as double)
                    * cos(radians(cast(points.latitude as double)))
                    * cos(radians(cast(points.latitude as double))),
                    grid.grid_id
                )
            ) as grid_id
        from points
        inner join {{ ref('dim_grid') }} as grid on points.division_code = grid.division_code and grid.is_current
        group by points.division_code, points.latitude, points.longitude
    ),

    counted as (
        select
            coalesce(factors.grid_id, located.grid_id) as grid_id,
            {% for factor in ['enterprises', 'sources', 'hazards', 'lifts', 'equipment', 'sites', 'gas_alarms', 'fires'] -%}
                count(*) filter (where factors.factor = '{{ factor }}') as {{ factor }}_n,
            {% endfor -%}
            count(*) as factors_n,
            count(distinct factors.factor) as factor_kinds_n
        from factors
        left join
            located
            on factors.division_code = located.division_code
            and factors.latitude = located.latitude
            and factors.longitude = located.longitude
        where coalesce(factors.grid_id, located.grid_id) is not null
        group by coalesce(factors.grid_id, located.grid_id)
    )

select
    {{ as_of() }} as as_of_on,
    grid.grid_id,
    grid.name_zh as grid_zh,
    grid.division_code,
    grid.area_km2,
    grid.residents_n,
    coalesce(counted.enterprises_n, 0) as enterprises_n,
    coalesce(counted.sources_n, 0) as sources_n,
    coalesce(counted.hazards_n, 0) as open_hazards_n,
    coalesce(counted.lifts_n, 0) as lifts_n,
    coalesce(counted.equipment_n, 0) as equipment_n,
    coalesce(counted.sites_n, 0) as sites_n,
    coalesce(counted.gas_alarms_n, 0) as gas_alarms_90d_n,
    coalesce(counted.fires_n, 0) as fires_90d_n,
    coalesce(counted.factors_n, 0) as factors_n,
    coalesce(counted.factor_kinds_n, 0) as factor_kinds_n,
    cast(coalesce(counted.factors_n, 0) / nullif(grid.area_km2, 0) as decimal(18, 2)) as factors_per_km2,
    rank() over (order by coalesce(counted.factors_n, 0) / nullif(grid.area_km2, 0) desc nulls last) as rank_no
from {{ ref('dim_grid') }} as grid
left join counted on grid.grid_id = counted.grid_id
where grid.is_current
