{{ config(enabled=fed_by('gas_alarm')) }}
select
    alarms.alarm_key,
    alarms.alarm_no,
    alarms.company_key,
    alarms.alarm_at,
    alarms.alarm_on,
    alarms.alarm_kind,
    alarms.is_indoor,
    alarms.user_key,
    alarms.address_key,
    alarms.ppm,
    alarms.is_ppm_repaired,
    alarms.arrived_at,
    alarms.result_key,
    alarms.is_false_alarm,
    alarms.is_leak,
    alarms.latitude,
    alarms.longitude,
    alarms.division_code,
    alarms.delivered_on
from
    (
        select
            input.*, row_number() over (partition by input.alarm_key order by {{ newest_first('input') }}) as newest_no
        from {{ ref('input_gas_alarm') }} as input
    ) as alarms
where alarms.newest_no = 1
