{{ config(enabled=fed_by('entity_record', 'division'), schema='staging') }}
with
    record as materialized(select * from {{ ref('input_entity_record') }}),

    code as ({{ credit_codes('record', 'uscc_stated') }})

select
    md5(record.source_dataset || '|' || record.source_key) as record_key,
    record.source_dataset,
    record.source_key,
    record.entity_kind,
    code.uscc,
    coalesce(code.is_corrected, false) as is_uscc_corrected,
    -- Brackets and blanks are typed in ways of their own.
    nullif(regexp_replace(record.name, '[\s　()（）]', '', 'g'), '') as name_std,
    record.legal_rep_key,
    record.address_hash,
    record.industry_code,
    record.division_code,
    record.latitude,
    record.longitude,
    record.ceased_on,
    record.first_on,
    record.delivered_on
from record
left join code on record.uscc_stated = code.stated
