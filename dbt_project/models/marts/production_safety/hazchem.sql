{{ config(enabled=fed_by('enterprise', 'major_hazard_day', 'inspection', 'hazard', 'business')) }}
with
    newest as (select max(day.day_on) as day_on from {{ ref('fct_major_hazard_day') }} as day),

    month as (
        select
            day.hazard_source_key,
            max(day.r_value) as r_30d_max,
            max(day.filled_pct) as filled_30d_max_pct,
            min_by(day.level_no, day.day_on) as level_before_no,
            cast(coalesce(sum(day.alarms_n), 0) as bigint) as alarms_30d_n,
            cast(coalesce(sum(day.handled_n), 0) as bigint) as handled_30d_n,
            cast(
                coalesce(
                    sum(day.alarms_n) filter (
                        where day.day_on > newest.day_on - cast({{ threshold('hazchem_alarm_days') }} as integer)
                    ),
                    0
                ) as bigint
            ) as alarms_7d_n,
            count(*) filter (where day.is_gauge_stuck) as stuck_days_n,
            count(*) filter (where day.is_gauge_off) as off_days_n
        from {{ ref('fct_major_hazard_day') }} as day
        cross join newest
        where day.day_on > newest.day_on - cast({{ threshold('hazchem_look_back_days') }} as integer)
        group by day.hazard_source_key
    ),

    self_checks as (
        select
            inspection.enterprise_key,
            max(inspection.inspected_on) filter (where inspection.is_self) as last_self_check_on,
            max(inspection.inspected_on) filter (where not inspection.is_self) as last_inspected_on,
            max(inspection.next_due_on) as next_due_on
        from {{ ref('fct_inspection') }} as inspection
        where inspection.enterprise_key is not null
        group by inspection.enterprise_key
    ),

    open_hazards as (
        select
            hazard.enterprise_key, count(*) as open_hazards_n, count(*) filter (where hazard.is_major) as open_major_n
        from {{ ref('fct_hazard_item') }} as hazard
        where hazard.closed_on is null
        group by hazard.enterprise_key
    )

select
    day.day_on as as_of_on,
    source.source_no,
    source.hazard_source_key,
    source.enterprise_key,
    enterprise.enterprise_name,
    day.division_code,
    source.chemical,
    source.cas_no,
    day.stock_t,
    day.limit_t,
    day.design_t,
    day.filled_pct,
    day.filled_pct >= {{ threshold('hazchem_filled_pct') }} as is_nearly_full,
    source.alpha,
    source.beta,
    day.r_value,
    day.level_no,
    colour.warning_colour_zh as colour_zh,
    month.level_before_no,
    coalesce(day.level_no < month.level_before_no, false) as is_level_raised,
    month.r_30d_max,
    month.filled_30d_max_pct,
    month.alarms_7d_n,
    month.alarms_30d_n,
    {{ percent_of('month.handled_30d_n', 'month.alarms_30d_n') }} as alarms_handled_pct,
    month.stuck_days_n,
    month.off_days_n,
    enterprise.licence_until_on,
    cast(enterprise.licence_until_on - day.day_on as integer) as licence_days_left,
    enterprise.is_dual_prevention,
    self_checks.last_self_check_on,
    cast(day.day_on - self_checks.last_self_check_on as integer) as self_check_gap_days,
    self_checks.last_inspected_on,
    coalesce(self_checks.next_due_on < day.day_on, false) as is_inspection_overdue,
    coalesce(open_hazards.open_hazards_n, 0) as open_hazards_n,
    coalesce(open_hazards.open_major_n, 0) as open_major_n
from {{ ref('fct_major_hazard_day') }} as day
inner join newest on day.day_on = newest.day_on
inner join {{ ref('dim_major_hazard_source') }} as source on day.hazard_source_key = source.hazard_source_key
inner join month on day.hazard_source_key = month.hazard_source_key
left join {{ ref('dim_enterprise') }} as enterprise on day.enterprise_key = enterprise.enterprise_key
left join self_checks on day.enterprise_key = self_checks.enterprise_key
left join open_hazards on day.enterprise_key = open_hazards.enterprise_key
left join {{ ref('std_event_level') }} as colour on day.level_no = colour.level_no
