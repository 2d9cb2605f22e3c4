with
    delivered as (
        select alarm.* from {{ source('lake', 'gas__alarm') }} as alarm where not coalesce(alarm._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('gas|' || delivered.alarm_no) as alarm_key,
    delivered.alarm_no,
    coalesce(company.company_key, 'unmapped') as company_key,
    delivered.alarm_at,
    {{ civil_date('delivered.alarm_at') }} as alarm_on,
    coalesce(kind_map.alarm_kind, 'unmapped') as alarm_kind,
    coalesce(kind_map.is_indoor, false) as is_indoor,
    delivered.user_key,
    delivered.address_key,
    coalesce(delivered.ppm < {{ threshold('gas_ppm_least') }}, false) as is_ppm_repaired,
    -- A detector that alarms at so little writes per cent of the explosive limit.
    cast(
        case
            when delivered.ppm < {{ threshold('gas_ppm_least') }}
            then {{ ppm_of_lel('delivered.ppm') }}
            else delivered.ppm
        end as decimal(12, 1)
    ) as ppm,
    case when delivered.arrived_at >= delivered.alarm_at then delivered.arrived_at end as arrived_at,
    coalesce(result.result_key, 'unmapped') as result_key,
    coalesce(result.is_false_alarm, false) as is_false_alarm,
    coalesce(result.is_leak, false) as is_leak,
    cast({{ known_coordinate('delivered.lat') }} as decimal(9, 6)) as latitude,
    cast({{ known_coordinate('delivered.lng') }} as decimal(9, 6)) as longitude,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('gas_company') }} as company on trim(delivered.company) = company.name_zh
left join {{ ref('gas_alarm_kind') }} as kind_map on trim(delivered.kind) = kind_map.source_value
left join {{ ref('gas_alarm_result') }} as result on trim(delivered.result) = result.source_value
left join stated on delivered.area_code = stated.area_code
