-- A table: thousands of small files are read once.
{{ config(materialized='table') }}
with
    delivered as (
        select source_day.*
        from {{ source('lake', 'emergency__major_hazard_day') }} as source_day
        where not coalesce(source_day._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('emergency|' || delivered.source_no) as hazard_source_key,
    delivered.source_no,
    md5('emergency|' || delivered.ent_id) as enterprise_key,
    delivered.stat_date as day_on,
    delivered.chemical,
    delivered.cas_no,
    -- More than the tank can hold is kilograms.
    coalesce(delivered.stock_t > delivered.design_max_t, false) as is_stock_repaired,
    cast(
        case
            when delivered.stock_t > delivered.design_max_t
            then {{ thousandth('delivered.stock_t') }}
            else delivered.stock_t
        end as decimal(14, 2)
    ) as stock_t,
    delivered.limit_t,
    delivered.design_max_t as design_t,
    delivered.alarms_n,
    delivered.handled_n,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join stated on delivered.area_code = stated.area_code
