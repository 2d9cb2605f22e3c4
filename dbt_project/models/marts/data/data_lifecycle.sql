with
    reader as ({{ readers_of_tables() }}),

    read_by as (
        select reader.table_name, count(distinct reader.model) as models_n from reader group by reader.table_name
    ),

    came as (
        select
            partition.dataset,
            min(partition.day) as ingested_from_on,
            max(partition.day) as ingested_to_on,
            count(*) as partitions_n,
            sum(partition.delivered) as delivered_n,
            max(partition.day) filter (
                where partition.accepted + partition.quarantined + partition.unchanged > 0
            ) as validated_to_on,
            sum(partition.accepted) as accepted_n
        from {{ source('lake_build', 'partitions') }} as partition
        group by partition.dataset
    )

select
    contract.dataset,
    dataset.title_zh,
    dataset.department,
    contract.owner,
    contract.version as contract_version,
    contract.valid_from as promised_from_on,
    came.ingested_from_on,
    came.ingested_to_on,
    came.validated_to_on,
    coalesce(came.partitions_n, 0) as partitions_n,
    cast(coalesce(came.delivered_n, 0) as bigint) as delivered_n,
    cast(coalesce(came.accepted_n, 0) as bigint) as accepted_n,
    coalesce(read_by.models_n, 0) as used_by_models_n,
    case when read_by.models_n > 0 then came.ingested_to_on end as used_to_on,
    contract.retention_days,
    came.ingested_to_on + 1 as archived_from_on,
    came.ingested_from_on + contract.retention_days as destroys_first_on,
    {{ as_of() }} - contract.retention_days as raw_kept_from_on,
    coalesce({{ as_of() }} - contract.retention_days > came.ingested_from_on, false) as is_destroying
from {{ source('lake_build', 'contracts') }} as contract
inner join {{ source('lake_build', 'datasets') }} as dataset on contract.dataset = dataset.dataset
left join came on contract.dataset = came.dataset
left join read_by on dataset.table_name = read_by.table_name
