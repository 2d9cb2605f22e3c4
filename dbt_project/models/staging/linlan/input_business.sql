-- A table: thousands of small files are read once.
{{ config(materialized='table') }}
with
    delivered as (
        select subject.*
        from {{ source('lake', 'market__subject') }} as subject
        where not coalesce(subject._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('market|' || delivered.subject_no) as business_key,
    delivered.subject_no,
    {{ credit_code('delivered.uscc') }} as uscc,
    trim(delivered.subject_type) as subject_type_zh,
    trim(delivered.trade) as trade_zh,
    delivered.industry_code,
    delivered.legal_rep_key,
    delivered.address_key,
    {{ known_date('delivered.founded_on') }} as founded_on,
    delivered.cancelled_on,
    {{ known_date('delivered.licence_until') }} as licence_until_on,
    delivered.last_check_on,
    check_result.is_passed as is_check_passed,
    coalesce(status_map.is_active, delivered.cancelled_on is null) as is_active,
    delivered.updated_at,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('enterprise_status') }} as status_map on trim(delivered.status) = status_map.source_value
left join {{ ref('check_result') }} as check_result on trim(delivered.last_check_result) = check_result.source_value
left join stated on delivered.area_code = stated.area_code
