{{ config(enabled=fed_by('enterprise', 'hazard', 'inspection', 'business', 'major_hazard_day', 'accident', 'equipment', 'site', 'dangerous_building', 'market_complaint')) }}
with
    windows as (
        select distinct indicator_window.window_kind, indicator_window.first_on, indicator_window.last_on
        from ({{ indicator_windows() }}) as indicator_window
        -- A day's list is fct_risk_register_daily; changes are told of weeks and longer.
        where indicator_window.first_on < indicator_window.last_on
    ),

    ends as (
        select
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            span.risk_key,
            max(span.list_key) as list_key,
            max(span.division_code) as division_code,
            max(span.level_no) filter (
                where span.from_on <= windows.last_on and (span.to_on is null or span.to_on > windows.last_on)
            ) as level_no,
            max(span.level_no) filter (
                where span.from_on < windows.first_on and (span.to_on is null or span.to_on >= windows.first_on)
            ) as level_before_no,
            max(span.to_on) as to_on,
            min(span.from_on) as from_on
        from windows
        inner join
            {{ ref('fct_risk_span') }} as span
            on span.from_on <= windows.last_on
            and (span.to_on is null or span.to_on >= windows.first_on)
        group by windows.window_kind, windows.first_on, windows.last_on, span.risk_key
    ),

    dwell as (
        select span.risk_key, min(span.from_on) as listed_on
        from {{ ref('fct_risk_span') }} as span
        group by span.risk_key
    )

select
    ends.window_kind,
    ends.first_on,
    ends.last_on,
    bridge.scope_code as division_code,
    list.list_zh,
    count(ends.level_no) as risks_n,
    count(*) filter (where colour.warning_colour_en = 'red') as red_n,
    count(*) filter (where colour.warning_colour_en = 'orange') as orange_n,
    count(*) filter (where colour.warning_colour_en = 'yellow') as yellow_n,
    count(*) filter (where colour.warning_colour_en = 'blue') as blue_n,
    count(ends.level_before_no) as risks_before_n,
    count(*) filter (where ends.level_no is not null and ends.level_before_no is null) as added_n,
    count(*) filter (where ends.level_no is null and ends.level_before_no is not null) as removed_n,
    count(*) filter (where ends.level_no < ends.level_before_no) as raised_n,
    count(*) filter (where ends.level_no > ends.level_before_no) as lowered_n,
    cast(
        quantile_cont(ends.to_on - dwell.listed_on, 0.5) filter (
            where ends.level_no is null and ends.level_before_no is not null
        ) as decimal(9, 1)
    ) as removed_dwell_days_p50,
    cast(
        quantile_cont(ends.last_on - dwell.listed_on, 0.5) filter (where ends.level_no is not null) as decimal(9, 1)
    ) as standing_days_p50
from ends
inner join dwell on ends.risk_key = dwell.risk_key
inner join {{ ref('risk_list') }} as list on ends.list_key = list.list_key
inner join {{ ref('bridge_division_scope') }} as bridge on ends.division_code is not distinct from bridge.division_code
left join {{ ref('std_event_level') }} as colour on ends.level_no = colour.level_no
group by ends.window_kind, ends.first_on, ends.last_on, bridge.scope_code, list.list_zh
