{{ config(
    enabled=fed_by('waybill'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_versions('waybill_key', ref('input_waybill'), 'transport__waybill') }}"
) }}
select
    newest.waybill_key,
    newest.waybill_no,
    newest.un_no,
    newest.goods_name,
    newest.goods_class,
    newest.quantity_t,
    newest.shipper_uscc,
    newest.shipper_name,
    newest.division_code,
    newest.destination_division_code,
    newest.destination_division_code is null as is_outbound,
    newest.issued_at,
    newest.issued_on,
    newest.departed_at,
    newest.arrived_at,
    newest.is_done,
    newest.delivered_on
from ({{ newest_versions('waybill_key', ref('input_waybill')) }}) as newest
