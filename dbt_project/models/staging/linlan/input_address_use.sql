select
    'gas.alarm' as source_dataset, used.address_key as address_hash, count(*) as records_n, max(used.ds) as delivered_on
from {{ source('lake', 'gas__alarm') }} as used
where used.address_key is not null
group by used.address_key
union all
select
    'gas.check_donghai' as source_dataset,
    used.address_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'gas__check_donghai') }} as used
where used.address_key is not null
group by used.address_key
union all
select
    'gas.check_gangxin' as source_dataset,
    used.address_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'gas__check_gangxin') }} as used
where used.address_key is not null
group by used.address_key
union all
select
    'gas.check_huaran' as source_dataset,
    used.address_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'gas__check_huaran') }} as used
where used.address_key is not null
group by used.address_key
union all
select
    'gas.check_minsheng' as source_dataset,
    used.address_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'gas__check_minsheng') }} as used
where used.address_key is not null
group by used.address_key
union all
select
    'gas.check_xingyuan' as source_dataset,
    used.address_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'gas__check_xingyuan') }} as used
where used.address_key is not null
group by used.address_key
union all
select
    'gas.check_yuanwang' as source_dataset,
    used.address_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'gas__check_yuanwang') }} as used
where used.address_key is not null
group by used.address_key
union all
select
    'hotline.work_order' as source_dataset,
    used.place_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'hotline__work_order') }} as used
where used.place_key is not null
group by used.place_key
union all
select
    'grid.event' as source_dataset, used.place_key as address_hash, count(*) as records_n, max(used.ds) as delivered_on
from {{ source('lake', 'grid__event') }} as used
where used.place_key is not null
group by used.place_key
union all
select
    'citymgmt.case' as source_dataset,
    used.place_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'citymgmt__case') }} as used
where used.place_key is not null
group by used.place_key
union all
select
    'mediation.dispute' as source_dataset,
    used.place_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'mediation__dispute') }} as used
where used.place_key is not null
group by used.place_key
union all
select
    'market.complaint' as source_dataset,
    used.place_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'market__complaint') }} as used
where used.place_key is not null
group by used.place_key
union all
select
    'fire.alarm' as source_dataset,
    used.address_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'fire__alarm') }} as used
where used.address_key is not null
group by used.address_key
union all
select
    'fire.inspection' as source_dataset,
    used.address_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'fire__inspection') }} as used
where used.address_key is not null
group by used.address_key
union all
select
    'market.equipment' as source_dataset,
    used.address_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'market__equipment') }} as used
where used.address_key is not null
group by used.address_key
union all
select
    'market.subject' as source_dataset,
    used.address_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'market__subject') }} as used
where used.address_key is not null
group by used.address_key
union all
select
    'emergency.enterprise' as source_dataset,
    used.address_key as address_hash,
    count(*) as records_n,
    max(used.ds) as delivered_on
from {{ source('lake', 'emergency__enterprise') }} as used
where used.address_key is not null
group by used.address_key
