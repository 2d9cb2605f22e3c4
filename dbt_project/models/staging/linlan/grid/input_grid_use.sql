with
    used as (
        select 'grid' as network, event.grid_id as stated_grid_id
        from {{ source('lake', 'grid__event') }} as event
        union all
        select 'citymgmt' as network, record.cell_id as stated_grid_id
        from {{ source('lake', 'citymgmt__case') }} as record
        union all
        select 'component' as network, component.cell_id as stated_grid_id
        from {{ source('lake', 'citymgmt__component') }} as component
        union all
        select 'party' as network, party.grid_id as stated_grid_id
        from {{ source('lake', 'party__grid_party') }} as party
    ),

    counted as (
        select used.network, used.stated_grid_id as area_code, count(*) as records_n
        from used
        where used.stated_grid_id is not null
        group by used.network, used.stated_grid_id
    ),

    stated as ({{ divisions_stated('counted') }})

select
    counted.network,
    counted.area_code as stated_grid_id,
    number.grid_id,
    coalesce(number.stated_grid_id = number.grid_id, false) as is_today,
    stated.division_code,
    counted.records_n
from counted
left join {{ ref('bridge_grid_number') }} as number on counted.area_code = number.stated_grid_id
left join stated on counted.area_code = stated.area_code
