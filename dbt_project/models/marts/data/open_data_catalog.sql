with
    known as (
        select
            promised.dataset,
            count(*) filter (
                where not class.is_personal and promised.is_kept and promised.purpose is null
            ) as open_columns_n,
            count(*) filter (where class.is_personal or promised.purpose is not null) as personal_columns_n,
            string_agg(promised.title_zh, '、' order by promised.position) filter (
                where not class.is_personal and promised.is_kept and promised.purpose is null
            ) as items_zh,
            arg_max(promised.classification, class.order_no) filter (where promised.is_kept) as held_class
        from {{ source('lake_build', 'columns') }} as promised
        inner join {{ ref('openness') }} as class on promised.classification = class.classification
        group by promised.dataset
    ),

    kept as (
        select
            partition.dataset,
            min(partition.day) as from_on,
            max(partition.day) as to_on,
            sum(partition.accepted) as accepted_n
        from {{ source('lake_build', 'partitions') }} as partition
        group by partition.dataset
    ),

    numbered as (
        select dataset.*, row_number() over (partition by dataset.department order by dataset.dataset) as serial_no
        from {{ source('lake_build', 'datasets') }} as dataset
    )

select
    dataset.dataset,
    department.item_no || '/' || dataset.serial_no as catalog_code,
    dataset.title_zh,
    contract.title_en,
    contract.owner as publisher,
    dataset.department,
    known.items_zh,
    known.open_columns_n,
    known.personal_columns_n,
    known.held_class as classification,
    class.access_rights,
    class.sharing_zh,
    nullif(class.condition_zh, '') as condition_zh,
    class.is_open,
    cadence.name_zh as cadence_zh,
    cadence.accrual_periodicity,
    kept.from_on as temporal_from_on,
    kept.to_on as temporal_to_on,
    cast(coalesce(kept.accepted_n, 0) as bigint) as accepted_n,
    contract.version as contract_version
from numbered as dataset
inner join {{ source('lake_build', 'contracts') }} as contract on dataset.dataset = contract.dataset
inner join known on dataset.dataset = known.dataset
inner join {{ ref('openness') }} as class on known.held_class = class.classification
left join {{ ref('cadence') }} as cadence on contract.cadence = cadence.cadence
left join {{ ref('catalog_department') }} as department on dataset.department = department.department
left join kept on dataset.dataset = kept.dataset
