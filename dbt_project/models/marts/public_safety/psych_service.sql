{{ config(enabled=fed_by('ems_call', 'elder_care', 'smart_alarm', 'grid')) }}
with
    above as (
        select scope.division_code, scope.scope_code
        from {{ ref('bridge_division_scope') }} as scope
        inner join {{ ref('dim_admin_division') }} as division on scope.scope_code = division.division_code
        inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
        where level.is_county or division.parent_code is null
    ),

    calls as (
        select
            cast(date_trunc('month', call.called_on) as date) as month_on,
            above.scope_code as division_code,
            count(*) filter (where not call.is_transfer) as ems_calls_n,
            count(sign.category_key) as mental_calls_n
        from {{ ref('fct_ems_call') }} as call
        left join {{ ref('mental_sign') }} as sign on call.category_key = sign.category_key
        inner join above on call.division_code is not distinct from above.division_code
        group by date_trunc('month', call.called_on), above.scope_code
    ),

    -- Of each month the last list.
    lists as (
        select max(care.week_on) as week_on
        from {{ ref('care_person') }} as care
        group by date_trunc('month', care.week_on)
    ),

    cared as (
        select
            cast(date_trunc('month', care.week_on) as date) as month_on,
            above.scope_code as division_code,
            count(*) as aged_alone_n,
            count(*) filter (where not care.is_overdue and care.last_visit_on is not null) as followed_up_n
        from {{ ref('care_person') }} as care
        inner join lists on care.week_on = lists.week_on
        inner join above on care.division_code is not distinct from above.division_code
        where care.is_aged_alone and not care.is_stopped
        group by date_trunc('month', care.week_on), above.scope_code
    ),

    months as (
        select calls.month_on, calls.division_code
        from calls
        union
        select cared.month_on, cared.division_code
        from cared
    )

select
    months.month_on,
    months.division_code,
    residents.resident_population_n,
    case when told.month_on is not null then coalesce(calls.ems_calls_n, 0) end as ems_calls_n,
    case when told.month_on is not null then coalesce(calls.mental_calls_n, 0) end as mental_calls_n,
    cast(
        case when told.month_on is not null then coalesce(calls.mental_calls_n, 0) end
        * 10000.0
        / nullif(residents.resident_population_n, 0) as decimal(12, 3)
    ) as mental_calls_per_10k,
    {{ percent_of('calls.mental_calls_n', 'calls.ems_calls_n') }} as mental_calls_pct,
    cared.aged_alone_n,
    cared.followed_up_n,
    {{ percent_of('cared.followed_up_n', 'cared.aged_alone_n') }} as followed_up_pct,
    cast(100 * {{ wilson_low('cared.followed_up_n', 'cared.aged_alone_n') }} as decimal(6, 2)) as followed_up_low_pct,
    cast(100 * {{ wilson_high('cared.followed_up_n', 'cared.aged_alone_n') }} as decimal(6, 2)) as followed_up_high_pct
from months
left join (select distinct calls.month_on from calls) as told on months.month_on = told.month_on
left join calls on months.month_on = calls.month_on and months.division_code = calls.division_code
left join cared on months.month_on = cared.month_on and months.division_code = cared.division_code
left join {{ ref('division_residents') }} as residents on months.division_code = residents.division_code
