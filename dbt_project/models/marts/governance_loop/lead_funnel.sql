{{ config(enabled=fed_by('command_lead', 'instruction', 'instruction_step')) }}
with
    instructed as (
        select
            instruction.lead_key,
            bool_or(instruction.finished_at is not null) as is_finished,
            bool_or(instruction.rechecked_at is not null) as is_rechecked,
            bool_or(instruction.is_passed) as is_passed
        from {{ ref('fct_instruction') }} as instruction
        where instruction.lead_key is not null
        group by instruction.lead_key
    ),

    leads as (
        select
            lead.*,
            cast(date_trunc('month', lead.pushed_on) as date) as month_on,
            instructed.lead_key is not null as is_instructed,
            coalesce(instructed.is_rechecked, false) as is_rechecked,
            coalesce(instructed.is_passed, false) as is_passed,
            coalesce(lead.closed_at, cast({{ as_of() }} + 1 as timestamp)) > lead.due_at as is_late
        from {{ ref('fct_command_lead') }} as lead
        left join instructed on lead.lead_key = instructed.lead_key
    ),

    counted as (
        select
            leads.month_on,
            scope.scope_code as division_code,
            leads.model_id,
            count(*) as generated_n,
            count(*) filter (where leads.is_copy) as copies_n,
            count(*) filter (where not leads.is_copy) as pushed_n,
            count(leads.accepted_at) filter (where not leads.is_copy) as accepted_n,
            count(leads.verified_at) filter (where not leads.is_copy) as verified_n,
            count(*) filter (where leads.is_confirmed and not leads.is_copy) as confirmed_n,
            count(*) filter (where leads.is_false and not leads.is_copy) as false_n,
            count(*) filter (where leads.is_unverifiable and not leads.is_copy) as unverifiable_n,
            count(*) filter (where leads.is_instructed and not leads.is_copy) as instructed_n,
            count(leads.closed_at) filter (where not leads.is_copy) as closed_n,
            count(*) filter (where leads.is_rechecked and not leads.is_copy) as rechecked_n,
            count(*) filter (where leads.is_passed and not leads.is_copy) as passed_n,
            count(*) filter (where leads.is_late and not leads.is_copy) as late_n
        from leads
        inner join {{ ref('bridge_division_scope') }} as scope on leads.division_code = scope.division_code
        group by leads.month_on, scope.scope_code, leads.model_id
    )

select
    counted.*,
    cast(100.0 * counted.accepted_n / nullif(counted.pushed_n, 0) as decimal(6, 2)) as accepted_pct,
    cast(100.0 * counted.verified_n / nullif(counted.pushed_n, 0) as decimal(6, 2)) as verified_pct,
    cast(
        100.0 * counted.confirmed_n / nullif((counted.confirmed_n + counted.false_n), 0) as decimal(6, 2)
    ) as precision_pct
from counted
