{{ config(
    enabled=fed_by('ebike'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'smart__ebike') }}"
) }}
select
    bike.delivered_on as month_on,
    bike.estate_no,
    bike.building_no,
    bike.address_no,
    min(bike.division_code) as division_code,
    cast(count(*) as integer) as ebikes_n,
    cast(count(*) filter (where bike.is_lithium) as integer) as lithium_n,
    bike.delivered_on
from {{ ref('input_ebike') }} as bike
where {{ changed_days('bike.delivered_on', 'smart__ebike') }}
group by bike.delivered_on, bike.estate_no, bike.building_no, bike.address_no
