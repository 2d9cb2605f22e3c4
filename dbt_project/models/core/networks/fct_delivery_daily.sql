{{ config(
    enabled=fed_by('delivery_day'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('date_on', 'express__building_day', placed=true) }}"
) }}
-- By grid: a year of single buildings would be some fifty million rows.
select
    stairs.grid_id,
    stairs.date_on,
    min(stairs.division_code) as division_code,
    cast(count(distinct stairs.building_no) as integer) as buildings_n,
    cast(count(*) as integer) as staircases_n,
    cast(sum(stairs.parcels_n) as bigint) as parcels_n,
    cast(sum(stairs.meals_n) as bigint) as meals_n,
    cast(sum(stairs.late_meals_n) as bigint) as late_meals_n,
    -- Of sums: a share in per cent, as some write it, does not matter.
    cast(sum(stairs.late_meals_n) * 100.0 / nullif(sum(stairs.meals_n), 0) as decimal(6, 2)) as night_share_pct,
    min(stairs.platforms_n) as platforms_n
from {{ ref('input_delivery_day') }} as stairs
where {{ changed_days('stairs.delivered_on', 'express__building_day', placed=true) }}
group by stairs.grid_id, stairs.date_on
