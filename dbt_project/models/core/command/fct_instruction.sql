{{ config(enabled=fed_by('instruction', 'instruction_step')) }}
with
    newest as ({{ newest_versions('instruction_key', ref('input_instruction')) }}),

    stages as (
        select
            step.instruction_key,
            max(step.ended_at) filter (where step.stage_no = stage.draft_no) as drafted_at,
            max(step.ended_at) filter (where step.stage_no = stage.review_no) as reviewed_at,
            max(step.ended_at) filter (where step.stage_no = stage.issue_no) as issued_at,
            max(step.ended_at) filter (where step.stage_no = stage.execute_no) as executed_at,
            max(step.ended_at) filter (where step.stage_no = stage.assess_no) as assessed_at,
            max(step.ended_at) filter (where step.stage_no = stage.finish_no) as finished_at,
            min(step.started_at) filter (where step.stage_no = stage.review_no) as review_from_at,
            min(step.started_at) filter (where step.stage_no = stage.issue_no) as issue_from_at,
            min(step.started_at) filter (where step.stage_no = stage.execute_no) as execute_from_at,
            min(step.started_at) filter (where step.stage_no = stage.assess_no) as assess_from_at,
            min(step.started_at) filter (where step.stage_no = stage.finish_no) as finish_from_at,
            count(distinct step.department_key) as departments_n
        from {{ ref('fct_instruction_step') }} as step
        cross join
            (
                select
                    max(stage.stage_no) filter (where stage.is_draft) as draft_no,
                    max(stage.stage_no) filter (where stage.is_review) as review_no,
                    max(stage.stage_no) filter (where stage.is_issue) as issue_no,
                    max(stage.stage_no) filter (where stage.is_execute) as execute_no,
                    max(stage.stage_no) filter (where stage.is_assess) as assess_no,
                    max(stage.stage_no) filter (where stage.is_finish) as finish_no
                from {{ ref('instruction_stage') }} as stage
            ) as stage
        group by step.instruction_key
    )

select
    newest.instruction_key,
    newest.instr_id,
    newest.lead_key,
    newest.title_zh,
    newest.level_no,
    newest.department_key,
    newest.units_n,
    newest.division_code,
    newest.created_at as begun_at,
    coalesce(stages.drafted_at, stages.review_from_at) as drafted_at,
    coalesce(stages.reviewed_at, stages.issue_from_at) as reviewed_at,
    coalesce(newest.issued_at, stages.issued_at, stages.execute_from_at) as issued_at,
    coalesce(
        stages.assess_from_at,
        case when stages.assessed_at is not null or not newest.is_open then stages.executed_at end
    ) as executed_at,
    coalesce(stages.assessed_at, stages.finish_from_at) as assessed_at,
    newest.finished_at,
    newest.due_at,
    newest.due_at < newest.issued_at as is_due_wrong,
    newest.stage,
    newest.stage_no,
    newest.is_open,
    newest.rechecked_at,
    newest.is_passed,
    stages.departments_n,
    newest.delivered_on
from newest
left join stages on newest.instruction_key = stages.instruction_key
