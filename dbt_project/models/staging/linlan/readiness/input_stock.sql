with
    delivered as (select source.* from {{ source('lake', 'readiness__stock') }} as source),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('stock|' || stock.stock_no) as stock_key,
    stock.stock_no,
    stock.item_code as resource_code,
    stock.item as name_zh,
    stock.store as store_zh,
    cast(
        case when stock_unit.pieces_n is null then stock.qty else round(stock.qty * stock_unit.pieces_n) end as decimal(
            18, 2
        )
    ) as quantity,
    case when stock_unit.pieces_n is null then stock.unit end as unit,
    stock_unit.pieces_n is not null as is_repacked,
    cast(stock.min_qty as decimal(18, 2)) as min_stock,
    stock.expires_on,

    coalesce(stated.division_code, root.division_code) as division_code,
    stock.ds as delivered_on,
    stock._landed_at as landed_at,
    stock._file as file_name,
    stock._record as record_no
from delivered as stock
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on stock.area_code = stated.area_code
left join {{ ref('stock_unit') }} as stock_unit on stock.unit = stock_unit.source_unit
