{{ config(enabled=fed_by('school_absence')) }}
select
    input.school_key,
    input.absent_on,
    input.school_name,
    input.level_name,
    input.division_code,
    input.pupils_n,
    input.is_reported,
    input.absent_n,
    input.symptom_n,
    input.symptom_name,
    input.reported_at,
    input.delivered_on
from {{ ref('input_school_absence') }} as input
