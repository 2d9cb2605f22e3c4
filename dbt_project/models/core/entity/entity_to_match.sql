{{ config(enabled=fed_by('entity_record', 'division'), schema='staging') }}
{# What exact keys leave over, beside everything it could be: enterprises known by a credit code that share a name, an
   address, or a representative and an industry with a record that has none. Splink compares these; the frequencies of
   names are counted over all, so that a common name tells less. #}
{% set attributes = ['name_std', 'legal_rep_key', 'address_hash', 'industry_code', 'division_code'] -%}
with
    enterprise as (
        select record.*, coalesce(record.uscc, record.record_key) as side_key
        from {{ ref('entity_record') }} as record
        where
            record.entity_kind
            in (select kind.entity_kind from {{ ref('entity_kind') }} as kind where kind.is_known_by_credit_code)
    ),

    side as (
        select
            enterprise.side_key,
            any_value(enterprise.uscc) is not null as is_known,
            string_agg(distinct enterprise.source_dataset, ' ' order by enterprise.source_dataset) as source_datasets,
            {% for attribute in attributes -%}
                arg_max(enterprise.{{ attribute }}, (enterprise.delivered_on, enterprise.record_key)) filter (
                    where enterprise.{{ attribute }} is not null
                ) as {{ attribute }},
            {% endfor -%}
            max(enterprise.delivered_on) as delivered_on
        from enterprise
        group by enterprise.side_key
    ),

    {% for attribute in attributes -%}
        {{ attribute }}_n as (
            select
                side.{{ attribute }},
                count(*) / (select count(whole.{{ attribute }}) from side as whole) as frequency,
                bool_or(not side.is_known) as is_wanted
            from side
            where side.{{ attribute }} is not null
            group by side.{{ attribute }}
        ),

    {% endfor -%}
    wanted as (select distinct side.legal_rep_key, side.industry_code from side where not side.is_known)

select
    side.side_key as unique_id,
    side.is_known,
    side.source_datasets,
    side.name_std as name,
    side.legal_rep_key as legal_rep,
    side.address_hash as address,
    side.industry_code as industry,
    side.division_code as division,
    division.parent_code as county,
    cast(name_std_n.frequency as double) as tf_name,
    cast(legal_rep_key_n.frequency as double) as tf_legal_rep,
    cast(address_hash_n.frequency as double) as tf_address,
    cast(industry_code_n.frequency as double) as tf_industry,
    cast(division_code_n.frequency as double) as tf_division,
    (select count(*) from side as whole where whole.is_known) as known_n
from side
left join name_std_n on side.name_std = name_std_n.name_std
left join legal_rep_key_n on side.legal_rep_key = legal_rep_key_n.legal_rep_key
left join address_hash_n on side.address_hash = address_hash_n.address_hash
left join industry_code_n on side.industry_code = industry_code_n.industry_code
left join division_code_n on side.division_code = division_code_n.division_code
left join wanted on side.legal_rep_key = wanted.legal_rep_key and side.industry_code = wanted.industry_code
left join {{ ref('division') }} as division on side.division_code = division.division_code
where
    not side.is_known
    or coalesce(name_std_n.is_wanted, false)
    or wanted.legal_rep_key is not null
    or coalesce(address_hash_n.is_wanted, false)
