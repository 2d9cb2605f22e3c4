{{ config(enabled=fed_by('fin_clue', 'case', 'grid')) }}
with
    clues as (
        select
            clue.week_on,
            scope.scope_code,
            clue.kind_zh,
            count(distinct clue.clue_no) as clues_n,
            count(distinct clue.uscc) as enterprises_n,
            cast(coalesce(sum(clue.claims_n), 0) as bigint) as claims_n,
            cast(coalesce(sum(clue.people_n), 0) as bigint) as people_n,
            cast(coalesce(sum(clue.amount_wan_yuan), 0) as decimal(18, 2)) as amount_wan_yuan,
            count(*) filter (where clue.is_open) as open_n,
            max(clue.delay_days) as delay_days,
            count(*) filter (where clue.delay_days > {{ threshold('fin_delay_days') }}) as delayed_n,
            count(*) filter (
                where clue.is_stopped and clue.delay_days > {{ threshold('fin_delay_days') }}
            ) as delayed_and_stopped_n
        from
            (
                -- A project under two numbers in one week is one project: the larger figures hold.
                select
                    every.week_on,
                    every.kind_zh,
                    every.division_code,
                    min(every.clue_no) as clue_no,
                    any_value(every.uscc) as uscc,
                    max(every.claims_n) as claims_n,
                    max(every.people_n) as people_n,
                    max(every.amount_wan_yuan) as amount_wan_yuan,
                    bool_or(every.is_open) as is_open,
                    max(every.delay_days) as delay_days,
                    bool_or(every.is_stopped) as is_stopped
                from {{ ref('fct_fin_clue') }} as every
                group by
                    every.week_on,
                    every.kind_zh,
                    every.division_code,
                    coalesce(every.uscc, every.project_no, every.clue_no)
            ) as clue
        inner join
            {{ ref('bridge_division_scope') }} as scope on clue.division_code is not distinct from scope.division_code
        group by clue.week_on, scope.scope_code, clue.kind_zh
    ),

    rising as (
        select
            clues.*,
            sum(clues.claims_n) over in_order as claims_to_date_n,
            coalesce(clues.people_n > lag(clues.people_n) over in_order, false) as is_rising
        from clues
        window in_order as (partition by clues.scope_code, clues.kind_zh order by clues.week_on)
    ),

    -- Weeks in a row: those after the last one that did not rise.
    streaks as (
        select
            rising.*,
            sum(cast(not rising.is_rising as integer)) over (
                partition by rising.scope_code, rising.kind_zh order by rising.week_on
            ) as streak_no
        from rising
    ),

    held as (
        select
            streaks.*,
            sum(cast(streaks.is_rising as integer)) over (
                partition by streaks.scope_code, streaks.kind_zh, streaks.streak_no order by streaks.week_on
            ) as weeks_rising_n
        from streaks
    ),

    appeals as (
        select clues.week_on, clues.scope_code, clues.kind_zh, count(appeal.case_key) as appeals_n
        from clues
        inner join {{ ref('fin_kind_category') }} as mapped on clues.kind_zh = mapped.kind_zh
        inner join {{ ref('bridge_division_scope') }} as scope on clues.scope_code = scope.scope_code
        left join
            {{ ref('case_counted') }} as appeal
            on mapped.category_key = appeal.category_key
            and scope.division_code = appeal.division_code
            and appeal.created_on >= clues.week_on
            and appeal.created_on < clues.week_on + 7
        group by clues.week_on, clues.scope_code, clues.kind_zh
    )

select
    held.week_on,
    held.scope_code as division_code,
    held.kind_zh,
    held.clues_n,
    held.enterprises_n,
    held.claims_n,
    cast(held.claims_to_date_n as bigint) as claims_to_date_n,
    held.people_n,
    held.amount_wan_yuan,
    held.open_n,
    cast(held.weeks_rising_n as bigint) as weeks_rising_n,
    coalesce(appeals.appeals_n, 0) as appeals_n,
    held.delay_days as delay_most_days,
    held.delayed_n,
    held.delayed_and_stopped_n,
    held.claims_to_date_n >= {{ threshold('fin_claims_n') }}
    and held.weeks_rising_n >= {{ threshold('fin_rising_weeks') }} as is_loss_cluster,
    held.delayed_and_stopped_n > 0
    and coalesce(
        sum(appeals.appeals_n) over (
            partition by held.scope_code, held.kind_zh order by held.week_on rows between 3 preceding and current row
        ),
        0
    )
    >= {{ threshold('fin_delay_appeals_n') }} as is_delivery_risk
from held
left join
    appeals
    on held.week_on = appeals.week_on
    and held.scope_code = appeals.scope_code
    and held.kind_zh = appeals.kind_zh
