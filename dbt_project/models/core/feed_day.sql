{{ config(schema='staging') }}
with
    committed as (
        select feed.subject, dataset.is_gapless, partition.day as day_on
        from {{ source('lake_build', 'partitions') }} as partition
        inner join {{ source('lake_build', 'datasets') }} as dataset on partition.dataset = dataset.dataset
        inner join {{ ref('feed') }} as feed on dataset.dataset = feed.dataset
        where partition.state = 'committed' and partition.day <= {{ as_of() }}
    ),

    spans as (
        select
            committed.subject,
            bool_or(committed.is_gapless) as is_gapless,
            min(committed.day_on) as first_on,
            max(committed.day_on) as last_on
        from committed
        group by committed.subject
    )

select
    spans.subject,
    day.date_on as day_on,
    -- A source read by cursor leaves no gap: whatever a later window brings reaches back over the days before.
    spans.is_gapless or committed.day_on is not null as is_in
from spans
inner join {{ ref('dim_date') }} as day on day.date_on >= spans.first_on and day.date_on <= spans.last_on
left join
    (select distinct subject, day_on from committed) as committed
    on spans.subject = committed.subject
    and day.date_on = committed.day_on
