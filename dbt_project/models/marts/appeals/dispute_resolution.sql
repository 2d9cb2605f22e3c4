{{ config(enabled=fed_by('dispute')) }}
with
    own as (
        select dispute.*, cast(date_trunc('month', dispute.accepted_on) as date) as month_on, scope.scope_code
        from {{ ref('fct_dispute') }} as dispute
        inner join {{ ref('bridge_division_scope') }} as scope on dispute.division_code = scope.division_code
    ),

    counted as (
        select
            own.month_on,
            own.scope_code as division_code,
            own.dispute_type as dispute_type_zh,
            count(*) as accepted_n,
            count(own.closed_on) as closed_n,
            count(*) filter (where own.is_solved) as solved_n,
            count(*) filter (where own.is_failed) as failed_n,
            count(*) filter (where own.is_failed and own.planned_at is null) as failed_without_plan_n,
            count(*) filter (where own.closed_on is null) as open_n,
            sum(own.parties_n) as parties_n,
            count(*) filter (where own.amount_cny is not null) as with_amount_n,
            cast(coalesce(sum(own.amount_cny), 0) / {{ threshold('wan') }} as decimal(18, 2)) as amount_wan_yuan,
            quantile_cont(date_diff('second', own.opened_at, own.closed_at), 0.5) / 86400.0 as days_p50
        from own
        group by own.month_on, own.scope_code, own.dispute_type
    )

select
    counted.month_on,
    counted.division_code,
    counted.dispute_type_zh,
    counted.accepted_n,
    counted.closed_n,
    counted.solved_n,
    counted.failed_n,
    counted.failed_without_plan_n,
    counted.open_n,
    cast(counted.parties_n as bigint) as parties_n,
    counted.with_amount_n,
    counted.amount_wan_yuan,
    cast(100.0 * counted.solved_n / nullif(counted.closed_n, 0) as decimal(6, 2)) as solved_pct,
    cast(100 * {{ wilson_low('counted.solved_n', 'counted.closed_n') }} as decimal(6, 2)) as solved_low_pct,
    cast(100 * {{ wilson_high('counted.solved_n', 'counted.closed_n') }} as decimal(6, 2)) as solved_high_pct,
    cast(counted.days_p50 as decimal(10, 1)) as days_p50
from counted
