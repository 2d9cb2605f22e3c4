with
    counties as (
        select division.division_code, division.division_code as code, true as is_today
        from {{ ref('division') }} as division
        inner join
            {{ ref('division') }} as root on division.parent_code = root.division_code and root.parent_code is null
        union all
        select division.division_code, unnest(string_split(division.predecessor_code, ' ')) as code, false as is_today
        from {{ ref('division') }} as division
        inner join
            {{ ref('division') }} as root on division.parent_code = root.division_code and root.parent_code is null
        where division.predecessor_code is not null
    ),

    -- A component's number begins with its county's: the longest code of a county that it begins with.
    prefixes as (
        select
            component.component_id,
            arg_max(counties.division_code, length(counties.code)) as county_code,
            arg_max(counties.is_today, length(counties.code)) as is_today
        from (select distinct part.component_id from {{ source('lake', 'citymgmt__component') }} as part) as component
        inner join counties on starts_with(component.component_id, counties.code)
        group by component.component_id
    )

select
    component.component_id,
    component.class_code as component_type_key,
    component.title as component_type_zh,
    coalesce(number.grid_id, component.cell_id) as grid_id,
    number.division_code,
    state.state as status,
    state.is_good,
    state.is_damaged,
    state.is_missing,
    state.is_occupied,
    main.department_key,
    proprietor.department_key as owner_department_key,
    component.recorded_on,
    component.changed_on,
    not coalesce(prefixes.is_today, false) as is_old_number,
    not starts_with(coalesce(number.division_code, ''), coalesce(prefixes.county_code, '')) as is_other_county,
    try_cast(
        st_y(
            st_transform(
                st_point(cast(component.x_m as double), cast(component.y_m as double)),
                projection.crs,
                'EPSG:4326',
                true
            )
        ) as decimal(9, 6)
    ) as latitude,
    try_cast(
        st_x(
            st_transform(
                st_point(cast(component.x_m as double), cast(component.y_m as double)),
                projection.crs,
                'EPSG:4326',
                true
            )
        ) as decimal(9, 6)
    ) as longitude,
    component.ds as delivered_on,
    component._landed_at as landed_at,
    component._file as file_name,
    component._record as record_no
from {{ source('lake', 'citymgmt__component') }} as component
left join prefixes on component.component_id = prefixes.component_id
left join {{ ref('bridge_grid_number') }} as number on component.cell_id = number.stated_grid_id
left join {{ ref('component_state') }} as state on component.state = state.source_value
left join {{ ref('department_alias') }} as main on component.department = main.agency_name
left join {{ ref('department_alias') }} as proprietor on component.proprietor = proprietor.agency_name
left join
    {{ ref('projection') }} as projection
    on component.x_m >= projection.easting_from_m
    and component.x_m < projection.easting_to_m
where not coalesce(component._is_withdrawn, false)
