{{ config(enabled=fed_by('stock')) }}
select
    stock.stock_key,
    stock.delivered_on as ds,
    stock.resource_code,
    stock.name_zh,
    stock.store_zh,
    stock.division_code,
    stock.quantity,
    first_value(stock.unit ignore nulls) over (
        partition by stock.resource_code
        order by stock.unit is null, stock.unit
        rows between unbounded preceding and unbounded following
    ) as unit,
    stock.min_stock,
    stock.expires_on,
    stock.is_repacked
from {{ ref('input_stock') }} as stock
