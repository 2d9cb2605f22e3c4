{{ config(schema='staging') }}
with
    delivery as (
        select
            delivery.dataset,
            delivery.ends_on as day_on,
            count(*) as due_n,
            count(*) filter (where delivery.came_on is not null) as came_n,
            count(*) filter (where delivery.is_observed) as observed_n,
            count(*) filter (where delivery.is_observed and delivery.came_on <= delivery.ends_on) as timely_n
        from {{ source('lake_build', 'deliveries') }} as delivery
        group by delivery.dataset, delivery.ends_on
    ),

    doubt as (
        select
            result.dataset, result.day_on, cast(sum(result.failed_n) as bigint) as warned_n, count(*) as checks_failed_n
        from {{ ref('fct_dq_result') }} as result
        group by result.dataset, result.day_on
    ),

    -- Longitude and latitude are wrong together: of the columns that link to one thing the worst counts.
    unlinked as (
        select by_target.dataset, by_target.day_on, cast(sum(by_target.unlinked_n) as bigint) as unlinked_n
        from
            (
                select by_column.dataset, by_column.day_on, by_column.note, max(by_column.failed_n) as unlinked_n
                from
                    (
                        select
                            result.dataset,
                            result.day_on,
                            link.note,
                            result.column_name,
                            sum(result.failed_n) as failed_n
                        from {{ ref('fct_dq_result') }} as result
                        inner join {{ ref('link_column') }} as link on result.column_name = link.column_name
                        group by result.dataset, result.day_on, link.note, result.column_name
                    ) as by_column
                group by by_column.dataset, by_column.day_on, by_column.note
            ) as by_target
        group by by_target.dataset, by_target.day_on
    ),

    kept as (
        select
            partition.dataset,
            partition.day as day_on,
            partition.delivered as delivered_n,
            partition.accepted as accepted_n,
            partition.quarantined as quarantined_n,
            partition.unchanged as unchanged_n,
            partition.accepted + partition.quarantined + partition.unchanged < partition.delivered as is_held,
            coalesce(doubt.warned_n, 0) as warned_n,
            least(coalesce(doubt.warned_n, 0), partition.accepted) as doubted_n,
            least(coalesce(unlinked.unlinked_n, 0), partition.accepted) as unlinked_n,
            coalesce(doubt.checks_failed_n, 0) as checks_failed_n
        from {{ source('lake_build', 'partitions') }} as partition
        left join doubt on partition.dataset = doubt.dataset and partition.day = doubt.day_on
        left join unlinked on partition.dataset = unlinked.dataset and partition.day = unlinked.day_on
    )

select
    coalesce(delivery.dataset, kept.dataset) as dataset,
    coalesce(delivery.day_on, kept.day_on) as day_on,
    coalesce(delivery.due_n, 0) as due_n,
    coalesce(delivery.came_n, 0) as came_n,
    coalesce(delivery.observed_n, 0) as observed_n,
    coalesce(delivery.timely_n, 0) as timely_n,
    coalesce(kept.delivered_n, 0) as delivered_n,
    coalesce(kept.accepted_n, 0) as accepted_n,
    coalesce(kept.quarantined_n, 0) as quarantined_n,
    coalesce(kept.unchanged_n, 0) as unchanged_n,
    coalesce(kept.is_held, false) as is_held,
    coalesce(kept.warned_n, 0) as warned_n,
    coalesce(kept.doubted_n, 0) as doubted_n,
    coalesce(kept.unlinked_n, 0) as unlinked_n,
    coalesce(kept.checks_failed_n, 0) as checks_failed_n
from delivery
full join kept on delivery.dataset = kept.dataset and delivery.day_on = kept.day_on
