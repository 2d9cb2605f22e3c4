{{ config(enabled=fed_by('hazard', 'gas_check', 'command_lead', 'dispute', 'case', 'estate', 'bridge', 'equipment', 'grid')) }}
{%- set spans = [
    ('hazard_open', 'fct_hazard_item', 'found_on', 'closed_on'),
    ('hazard_overdue', 'fct_hazard_item', 'due_on', 'closed_on'),
    ('gas_hazard_open', 'dim_gas_user', 'hazard_found_on', 'hazard_fixed_on'),
    ('lead_open', 'fct_command_lead', 'pushed_on', 'closed_on'),
    ('dispute_open', 'fct_dispute', 'accepted_on', 'closed_on'),
    ('case_open', 'case_counted', 'accepted_on', 'closed_on'),
] %}
-- Weeks end with the build's day, for stocks of today are the newest known.
with
    weeks as (
        select
            day.date_on as week_end_on, cast(date_diff('day', day.date_on, {{ as_of() }}) / 7 as integer) as weeks_ago_n
        from {{ ref('dim_date') }} as day
        where
            day.date_on <= {{ as_of() }}
            and day.date_on > {{ as_of() }} - 7 * cast({{ threshold('slow_risk_weeks') }} as integer)
            and date_diff('day', day.date_on, {{ as_of() }}) % 7 = 0
            -- Of what was settled before the first delivery nothing is known.
            and day.date_on >= (select min(feed.day_on) from {{ ref('feed_day') }} as feed)
    ),

    spans as (
        {% for kind, relation, starts, ends in spans -%}
            select
                '{{ kind }}' as stock_kind,
                fact.division_code,
                fact.{{ starts }} as starts_on,
                fact.{{ ends }} as ends_on
            from {{ ref(relation) }} as fact
            where
                fact.{{ starts }} is not null
                {% if kind == 'lead_open' -%} and not fact.is_copy {% endif -%}
                {% if kind == 'hazard_overdue' -%}
                    and (fact.closed_on is null or fact.closed_on > fact.due_on)
                {% endif -%}
                {% if kind == 'case_open' -%} and fact.is_to_settle {% endif -%}
            union all
        {% endfor -%}
        select
            'estate_aged' as stock_kind,
            estate.division_code,
            make_date(
                estate.built_year + cast({{ threshold('old_building_years') }} as integer) + 1, 1, 1
            ) as starts_on,
            cast(null as date) as ends_on
        from {{ ref('dim_estate') }} as estate
        where estate.built_year is not null
        union all
        select
            'bridge_aged' as stock_kind,
            bridge.division_code,
            make_date(bridge.built_year + cast({{ threshold('bridge_aged_years') }} as integer) + 1, 1, 1) as starts_on,
            cast(null as date) as ends_on
        from {{ ref('dim_bridge') }} as bridge
        where bridge.built_year is not null
        union all
        select
            'equipment_overdue' as stock_kind,
            equipment.division_code,
            equipment.next_inspection_on as starts_on,
            cast(null as date) as ends_on
        from {{ ref('fct_equipment_due_snapshot') }} as equipment
        where
            equipment.is_in_use
            and equipment.next_inspection_on is not null
            and equipment.ds = (select max(newest.ds) from {{ ref('fct_equipment_due_snapshot') }} as newest)
    ),

    counted as (
        select weeks.week_end_on, spans.stock_kind, bridge.scope_code as division_code, count(*) as stock_n
        from weeks
        inner join
            spans
            on spans.starts_on <= weeks.week_end_on
            and (spans.ends_on is null or spans.ends_on > weeks.week_end_on)
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on spans.division_code is not distinct from bridge.division_code
        group by weeks.week_end_on, spans.stock_kind, bridge.scope_code
    ),

    told as (
        select
            weeks.week_end_on,
            weeks.weeks_ago_n,
            kind.stock_kind,
            kind.name_zh,
            kind.is_facility,
            residents.division_code,
            residents.resident_population_n,
            coalesce(counted.stock_n, 0) as stock_n
        from weeks
        cross join {{ std_in_force('std_slow_risk', ['stock_kind', 'valid_from']) }} as kind
        cross join {{ ref('division_residents') }} as residents
        left join
            counted
            on weeks.week_end_on = counted.week_end_on
            and kind.stock_kind = counted.stock_kind
            and residents.division_code = counted.division_code
    ),

    moved as (
        select
            told.*,
            told.stock_n - lag(told.stock_n) over (
                partition by told.stock_kind, told.division_code order by told.week_end_on
            ) as change_n
        from told
    ),

    runs as (
        select
            moved.*,
            -- Counts the weeks that did not rise: what rises in a row shares it.
            sum(case when moved.change_n > 0 then 0 else 1 end) over (
                partition by moved.stock_kind, moved.division_code order by moved.week_end_on
            ) as run_no,
            coalesce(
                lag(moved.stock_n, 4) over (
                    partition by moved.stock_kind, moved.division_code order by moved.week_end_on
                )
            ) as stock_4w_ago_n
        from moved
    ),

    sloped as (
        select
            own.week_end_on,
            own.stock_kind,
            own.division_code,
            count(*) as n,
            sum(earlier.weeks_ago_n) as x,
            sum(earlier.stock_n) as y,
            sum(earlier.weeks_ago_n * earlier.stock_n) as xy,
            sum(earlier.weeks_ago_n * earlier.weeks_ago_n) as xx
        from told as own
        inner join
            told as earlier
            on own.stock_kind = earlier.stock_kind
            and own.division_code = earlier.division_code
            and earlier.weeks_ago_n >= own.weeks_ago_n
            and earlier.weeks_ago_n < own.weeks_ago_n + cast({{ threshold('slow_risk_slope_weeks') }} as integer)
        group by own.week_end_on, own.stock_kind, own.division_code
    ),

    judged as (
        select
            runs.*,
            count(*) filter (where runs.change_n > 0) over (
                partition by runs.stock_kind, runs.division_code, runs.run_no order by runs.week_end_on
            ) as weeks_rising_n,
            -- Weeks ago run backwards: the slope is the other way round.
            cast(
                - cast(sloped.n * sloped.xy - sloped.x * sloped.y as double)
                / nullif(sloped.n * sloped.xx - sloped.x * sloped.x, 0) as decimal(12, 3)
            ) as slope_per_week
        from runs
        inner join
            sloped
            on runs.week_end_on = sloped.week_end_on
            and runs.stock_kind = sloped.stock_kind
            and runs.division_code = sloped.division_code
    )

select
    judged.week_end_on,
    judged.division_code,
    judged.stock_kind,
    judged.name_zh as stock_zh,
    judged.is_facility,
    judged.stock_n,
    cast(10000 * judged.stock_n / nullif(judged.resident_population_n, 0) as decimal(12, 2)) as stock_per_10k,
    judged.change_n,
    judged.stock_n - judged.stock_4w_ago_n as change_4w_n,
    judged.slope_per_week,
    judged.weeks_rising_n,
    judged.weeks_rising_n >= {{ threshold('slow_risk_rising_n') }}
    and coalesce(judged.slope_per_week > 0, false) as is_accumulating
from judged
