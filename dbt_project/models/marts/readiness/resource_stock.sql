{{ config(enabled=fed_by('stock', 'grid')) }}
with
    lines as (
        select stock.*, stock.expires_on - stock.ds as left_days
        from {{ ref('fct_stock_snapshot') }} as stock
        where stock.ds = (select max(snapshot.ds) from {{ ref('fct_stock_snapshot') }} as snapshot)
    )

select
    lines.ds as as_of_on,
    scope.scope_code as division_code,
    lines.resource_code,
    lines.name_zh as item_zh,
    lines.unit,
    count(*) as lines_n,
    sum(lines.quantity) as quantity,
    sum(lines.min_stock) as min_stock,
    sum(greatest(lines.min_stock - lines.quantity, 0)) as gap_quantity,
    coalesce(sum(lines.quantity) filter (where lines.left_days < 0), 0) as expired_quantity,
    count(*) filter (where lines.quantity < lines.min_stock) as below_minimum_n,
    count(*) filter (
        where lines.left_days >= 0 and lines.left_days < {{ threshold('stock_expiring_days') }}
    ) as expiring_n,
    count(*) filter (where lines.left_days < 0) as expired_n,
    min(lines.expires_on) as first_expires_on,
    cast(
        sum(lines.quantity) * 10000 / nullif(max(residents.resident_population_n), 0) as decimal(18, 2)
    ) as quantity_per_10k
from lines
inner join {{ ref('bridge_division_scope') }} as scope on lines.division_code = scope.division_code
left join {{ ref('division_residents') }} as residents on scope.scope_code = residents.division_code
group by lines.ds, scope.scope_code, lines.resource_code, lines.name_zh, lines.unit
