{# Checks that failed only: what passed is not kept one by one. #}
select
    warning.dataset,
    warning.day as day_on,
    warning.check_id,
    warning.column_name,
    coalesce(link.column_name is not null, false) as is_of_link,
    partition.accepted as checked_n,
    warning.failed_n
from {{ source('lake_build', 'warnings') }} as warning
inner join
    {{ source('lake_build', 'partitions') }} as partition
    on warning.dataset = partition.dataset
    and warning.day = partition.day
left join {{ ref('link_column') }} as link on warning.column_name = link.column_name
where warning.failed_n is not null
