{{ config(enabled=fed_by('entity_record', 'division')) }}
with
    likely as (
        -- The best known partner; failing that, the best open one.
        select entity_match.open_id, entity_match.other_id, entity_match.is_other_known, entity_match.match_probability
        from {{ ref('entity_match') }} as entity_match
        where entity_match.match_probability >= {{ threshold('link_accept_probability') }}
        qualify
            row_number() over (
                partition by entity_match.open_id
                order by
                    entity_match.is_other_known desc, entity_match.match_probability desc, entity_match.other_id asc
            )
            = 1
    ),

    -- A register has a thing once: of two open records of one dataset that want one partner the likelier gets it.
    partner as (
        select likely.open_id, likely.other_id, likely.match_probability
        from likely
        inner join {{ ref('entity_record') }} as record on likely.open_id = record.record_key
        qualify
            row_number() over (
                partition by likely.other_id, record.source_dataset
                order by likely.match_probability desc, likely.open_id asc
            )
            = 1
    ),

    resolved as (
        select
            record.record_key,
            record.source_dataset,
            record.source_key,
            record.entity_kind,
            record.uscc,
            record.is_uscc_corrected,
            kind.is_known_by_credit_code,
            partner.match_probability,
            case
                when not kind.is_known_by_credit_code
                then md5(record.entity_kind || '|' || record.source_key)
                when record.uscc is not null
                then md5(record.uscc)
                -- Two open records that found each other are known by the smaller key.
                else
                    coalesce(
                        (
                            select md5(known.uscc)
                            from {{ ref('entity_record') }} as known
                            where known.uscc = partner.other_id
                            limit 1
                        ),
                        least(record.record_key, partner.other_id),
                        record.record_key
                    )
            end as entity_key
        from {{ ref('entity_record') }} as record
        inner join {{ ref('entity_kind') }} as kind on record.entity_kind = kind.entity_kind
        -- Only the open ones have a partner; asked in the key,
        -- for a condition of the left side alone would hold all pairs together.
        left join partner on case when record.uscc is null then record.record_key end = partner.open_id
    ),

    held as (
        select resolved.entity_key, count(distinct resolved.source_dataset) as datasets_n
        from resolved
        group by resolved.entity_key
    )

select
    resolved.source_dataset,
    resolved.source_key,
    resolved.entity_key,
    resolved.entity_kind,
    case
        when not resolved.is_known_by_credit_code
        then 'number'
        when resolved.uscc is not null and not resolved.is_uscc_corrected
        then 'credit_code'
        when resolved.uscc is not null
        then 'corrected_credit_code'
        when resolved.match_probability is not null
        then 'splink'
        else 'none'
    end as link_method,
    cast(
        case
            when not resolved.is_known_by_credit_code or resolved.uscc is not null
            then 1
            else coalesce(resolved.match_probability, 0)
        end as decimal(9, 6)
    ) as match_probability,
    resolved.uscc,
    resolved.is_uscc_corrected,
    resolved.is_known_by_credit_code
    and resolved.uscc is null
    and resolved.match_probability is not null as is_by_likeness,
    held.datasets_n > 1 as is_linked,
    resolved.record_key
from resolved
inner join held on resolved.entity_key = held.entity_key
