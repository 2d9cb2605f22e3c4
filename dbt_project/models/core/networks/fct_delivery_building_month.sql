{{ config(
    enabled=fed_by('delivery_day'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_months('month_on', 'express__building_day', placed=true) }}"
) }}
-- Days on which a platform was missing are left out: their sums are lower for no reason of the building's.
with
    platforms as (
        select date_trunc('month', stairs.date_on) as month_on, max(stairs.platforms_n) as platforms_n
        from {{ ref('input_delivery_day') }} as stairs
        where {{ changed_months('stairs.delivered_on', 'express__building_day', placed=true) }}
        group by date_trunc('month', stairs.date_on)
    )

select
    stairs.unit_key,
    cast(date_trunc('month', stairs.date_on) as date) as month_on,
    min(stairs.building_no) as building_no,
    min(stairs.division_code) as division_code,
    min(stairs.grid_id) as grid_id,
    max(stairs.households_n) as households_n,
    cast(count(*) as integer) as days_n,
    cast(sum(stairs.parcels_n) as bigint) as parcels_n,
    cast(sum(stairs.meals_n) as bigint) as meals_n,
    cast(sum(stairs.late_meals_n) as bigint) as late_meals_n,
    max(stairs.recipients_30d_n) as recipients_30d_n
from {{ ref('input_delivery_day') }} as stairs
inner join
    platforms on date_trunc('month', stairs.date_on) = platforms.month_on and stairs.platforms_n = platforms.platforms_n
where {{ changed_months('stairs.delivered_on', 'express__building_day', placed=true) }}
group by stairs.unit_key, date_trunc('month', stairs.date_on)
