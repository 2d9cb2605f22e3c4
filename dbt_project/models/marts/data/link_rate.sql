{{ config(enabled=fed_by('entity_record', 'address', 'address_use', 'division', 'grid')) }}
with
    by_entity as (
        select
            'entity' as link_kind,
            link.source_dataset,
            link.entity_kind,
            count(*) as keys_n,
            count(*) filter (where link.is_linked) as linked_n,
            count(*) filter (where link.uscc is not null and not link.is_uscc_corrected) as by_credit_code_n,
            count(*) filter (where link.uscc is not null and link.is_uscc_corrected) as by_corrected_code_n,
            count(*) filter (where link.is_by_likeness) as by_likeness_n,
            count(*) filter (where link.match_probability = 0) as unresolved_n
        from {{ ref('entity_link') }} as link
        group by link.source_dataset, link.entity_kind
    ),

    by_address as (
        select
            'address' as link_kind,
            link.source_dataset,
            cast(null as varchar) as entity_kind,
            count(*) as keys_n,
            count(*) filter (where link.is_linked) as linked_n,
            cast(null as bigint) as by_credit_code_n,
            cast(null as bigint) as by_corrected_code_n,
            cast(null as bigint) as by_likeness_n,
            count(*) filter (where not link.is_linked) as unresolved_n
        from {{ ref('address_link') }} as link
        group by link.source_dataset
    )

select
    rated.link_kind,
    rated.source_dataset,
    coalesce(rated.entity_kind, '') as entity_kind,
    rated.keys_n,
    rated.linked_n,
    rated.by_credit_code_n,
    rated.by_corrected_code_n,
    rated.by_likeness_n,
    rated.unresolved_n,
    cast(100.0 * rated.linked_n / rated.keys_n as decimal(6, 2)) as linked_pct,
    cast(100.0 * (rated.keys_n - rated.unresolved_n) / rated.keys_n as decimal(6, 2)) as resolved_pct
from
    (
        select *
        from by_entity
        union all
        select *
        from by_address
    ) as rated
