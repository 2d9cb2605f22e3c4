with
    delivered as (
        select waybill.*
        from {{ source('lake', 'transport__waybill') }} as waybill
        where not coalesce(waybill._is_withdrawn, false)
    ),

    places as (
        select delivered.origin_code as area_code
        from delivered
        union
        select delivered.destination_code
        from delivered
    ),

    stated as ({{ divisions_stated('places') }})

select
    md5('waybill|' || delivered.waybill_no) as waybill_key,
    delivered.waybill_no,
    -- Four digits, however it was written.
    nullif(regexp_extract(delivered.un_no, '(\d{4})', 1), '') as un_no,
    delivered.goods as goods_name,
    delivered.goods_class,
    -- More tonnes than a lorry carries are kilograms.
    cast(
        case
            when delivered.quantity_t > {{ threshold('lorry_possible_t') }}
            then {{ thousandth('delivered.quantity_t') }}
            else delivered.quantity_t
        end as decimal(12, 3)
    ) as quantity_t,
    delivered.shipper_uscc,
    delivered.shipper_title as shipper_name,
    origin.division_code as division_code,
    destination.division_code as destination_division_code,
    delivered.issued_at,
    {{ civil_date('delivered.issued_at') }} as issued_on,
    delivered.departed_at,
    delivered.arrived_at,
    coalesce(status.is_done, false) as is_done,
    delivered.updated_at as version_at,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('waybill_status') }} as status on delivered.status = status.status
left join stated as origin on delivered.origin_code = origin.area_code
left join stated as destination on delivered.destination_code = destination.area_code
