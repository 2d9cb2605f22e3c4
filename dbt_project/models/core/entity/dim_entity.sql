{{ config(enabled=fed_by('entity_record', 'address', 'address_use', 'division', 'grid')) }}
{% set attributes = ['name_std', 'address_hash', 'industry_code', 'division_code', 'latitude', 'longitude'] -%}
with
    resolved as (
        select
            link.entity_key,
            any_value(link.entity_kind) as entity_kind,
            max(record.uscc) as uscc,
            {% for attribute in attributes -%}
                arg_max(record.{{ attribute }}, (record.delivered_on, record.record_key)) filter (
                    where record.{{ attribute }} is not null
                ) as {{ attribute }},
            {% endfor -%}
            min(link.match_probability) as match_probability,
            count(*) as records_n,
            count(distinct link.source_dataset) as datasets_n,
            string_agg(distinct link.source_dataset, ' ' order by link.source_dataset) as source_datasets,
            min(record.first_on) as first_on,
            max(record.ceased_on) as ceased_on,
            max(record.delivered_on) as delivered_on
        from {{ ref('entity_link') }} as link
        inner join {{ ref('entity_record') }} as record on link.record_key = record.record_key
        group by link.entity_key
    ),

    -- A spelling that several departments use is the same address in each of them.
    spelling as (
        select link.address_hash, min(link.address_key) as address_key
        from {{ ref('address_link') }} as link
        where link.is_linked
        group by link.address_hash
    )

select
    resolved.entity_key,
    resolved.entity_kind,
    resolved.uscc,
    resolved.name_std,
    spelling.address_key,
    resolved.division_code,
    coalesce(resolved.latitude, address.latitude) as latitude,
    coalesce(resolved.longitude, address.longitude) as longitude,
    nullif(kind.protect_code, '') as protect_code,
    resolved.industry_code,
    cast(
        to_json(
            {
                'source_datasets':resolved.source_datasets,
                'records_n':resolved.records_n,
                'delivered_on':resolved.delivered_on
            }
        ) as varchar
    ) as attributes,
    cast(100.0 * resolved.match_probability as decimal(6, 2)) as confidence,
    resolved.records_n,
    resolved.datasets_n,
    resolved.first_on as valid_from_on,
    resolved.ceased_on as valid_to_on,
    resolved.delivered_on
from resolved
inner join {{ ref('entity_kind') }} as kind on resolved.entity_kind = kind.entity_kind
left join spelling on resolved.address_hash = spelling.address_hash
left join {{ ref('dim_address') }} as address on spelling.address_key = address.address_key
