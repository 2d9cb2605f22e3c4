{{ config(enabled=fed_by('rescue_team', 'stock')) }}
with
    teams as (
        select team.*
        from {{ ref('input_rescue_team') }} as team
        where team.delivered_on = (select max(register.delivered_on) from {{ ref('input_rescue_team') }} as register)
    ),

    stocks as (
        select stock.*
        from {{ ref('fct_stock_snapshot') }} as stock
        where stock.ds = (select max(snapshot.ds) from {{ ref('fct_stock_snapshot') }} as snapshot)
    )

select
    teams.resource_key,
    teams.resource_code,
    'team' as resource_type,
    teams.name_zh,
    teams.division_code,
    cast(teams.people_n as decimal(18, 2)) as quantity,
    '人' as unit,
    cast(null as decimal(18, 2)) as min_stock,
    cast(null as date) as expires_on,
    teams.latitude,
    teams.longitude,
    teams.delivered_on as valid_from_on,
    cast(null as date) as valid_to_on
from teams
union all
select
    stocks.stock_key as resource_key,
    stocks.resource_code,
    'stock' as resource_type,
    stocks.name_zh,
    stocks.division_code,
    stocks.quantity,
    stocks.unit,
    stocks.min_stock,
    stocks.expires_on,
    cast(null as decimal(10, 6)) as latitude,
    cast(null as decimal(10, 6)) as longitude,
    stocks.ds as valid_from_on,
    cast(null as date) as valid_to_on
from stocks
