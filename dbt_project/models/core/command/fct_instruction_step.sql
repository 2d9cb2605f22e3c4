{{ config(enabled=fed_by('instruction_step')) }}
with newest as ({{ newest_versions('step_key', ref('input_instruction_step')) }})

select
    newest.step_key,
    newest.instruction_key,
    newest.step_no,
    newest.stage,
    newest.stage_no,
    newest.department_key,
    newest.started_at,
    newest.ended_at,
    newest.is_back_dated,
    newest.delivered_on
from newest
