{{ config(schema='staging') }}
-- A partition's day is the source's; whatever its zone, its hours lie in the city's days beside it.
select distinct cast(changed.ds + beside.shift_days as date) as date_on
from {{ source('lake_build', 'changed') }} as changed
inner join {{ source('lake_build', 'datasets') }} as dataset on changed.table_name = dataset.table_name
inner join {{ ref('feed') }} as feed on dataset.dataset = feed.dataset and feed.subject = 'weather'
cross join (values (-1), (0), (1)) as beside(shift_days)
