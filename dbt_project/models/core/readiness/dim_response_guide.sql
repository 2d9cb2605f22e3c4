{{ config(enabled=fed_by('response_event')) }}
select
    md5(concat_ws('|', event.event_code, step.level_no, step.step_no)) as guide_key,
    event.event_code,
    step.level_no,
    step.step_no,
    step.module_key,
    step.text_zh
from {{ ref('input_response_event') }} as event
cross join {{ std_in_force('std_response_step', ['level_no', 'step_no']) }} as step
