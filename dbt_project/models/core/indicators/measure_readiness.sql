{{ config(enabled=fed_by('plan', 'stock', 'shelter', 'grid')) }}
with
    windows as ({{ indicator_windows() }}),

    -- Divisions of which anything is delivered, with what they stand in.
    places as ({{ indicator_places() }}),

    -- Plans of the register of a window's last day; the cells there should be follow from the city's list of plans.
    plan_ends as (
        select distinct windows.window_kind, windows.first_on, windows.last_on
        from windows
        inner join {{ ref('input_plan') }} as plan on windows.last_on = plan.delivered_on
    ),

    plans as (
        select
            ends.window_kind,
            ends.first_on,
            plan.division_code,
            plan.event_code,
            plan.response_level_no,
            coalesce(
                plan.review_due_on,
                coalesce(plan.revised_on, plan.issued_on) + cast({{ threshold('plan_review_days') }} as integer)
            )
            < ends.last_on as is_overdue
        from plan_ends as ends
        inner join {{ ref('input_plan') }} as plan on ends.last_on = plan.delivered_on
    ),

    cells as (
        select ends.window_kind, ends.first_on, places.division_code, required.event_code, required.response_level_no
        from plan_ends as ends
        cross join places
        inner join {{ ref('plan_required') }} as required on places.level_no = required.division_level_no
    ),

    coverage as (
        select
            'plan_coverage' as part,
            cells.window_kind,
            cells.first_on,
            scope.scope_code as division_code,
            count(*) filter (where plans.division_code is not null) as numerator,
            count(*) as denominator
        from cells
        inner join {{ ref('bridge_division_scope') }} as scope on cells.division_code = scope.division_code
        left join
            (select distinct window_kind, first_on, division_code, event_code, response_level_no from plans) as plans
            on cells.window_kind = plans.window_kind
            and cells.first_on = plans.first_on
            and cells.division_code = plans.division_code
            and cells.event_code = plans.event_code
            and cells.response_level_no = plans.response_level_no
        group by cells.window_kind, cells.first_on, scope.scope_code
    ),

    overdue as (
        select
            'plans_overdue' as part,
            plans.window_kind,
            plans.first_on,
            scope.scope_code as division_code,
            count(*) filter (where plans.is_overdue) as numerator,
            cast(null as bigint) as denominator
        from plans
        inner join {{ ref('bridge_division_scope') }} as scope on plans.division_code = scope.division_code
        group by plans.window_kind, plans.first_on, scope.scope_code
    ),

    lines as (
        select
            windows.window_kind,
            windows.first_on,
            scope.scope_code as division_code,
            stock.quantity < stock.min_stock as is_below,
            stock.expires_on - windows.last_on as left_days
        from windows
        inner join {{ ref('fct_stock_snapshot') }} as stock on windows.last_on = stock.ds
        inner join {{ ref('bridge_division_scope') }} as scope on stock.division_code = scope.division_code
    ),

    stocks as (
        select
            lines.window_kind,
            lines.first_on,
            lines.division_code,
            count(*) filter (where lines.is_below) as below_minimum,
            count(*) filter (
                where lines.left_days >= 0 and lines.left_days < {{ threshold('stock_expiring_days') }}
            ) as expiring,
            count(*) filter (where lines.left_days < 0) as expired
        from lines
        group by lines.window_kind, lines.first_on, lines.division_code
    ),

    stock_parts as (unpivot stocks on below_minimum, expiring, expired into name part value numerator),

    shelters as (
        select scope.scope_code as division_code, sum(shelter.area_m2) as area_m2
        from {{ ref('dim_shelter') }} as shelter
        inner join {{ ref('bridge_division_scope') }} as scope on shelter.division_code = scope.division_code
        group by scope.scope_code
    ),

    near as (
        select
            scope.scope_code as division_code,
            sum(grid.residents_n) filter (where grid.is_near) as near_n,
            sum(grid.residents_n) as residents_n
        from {{ ref('grid_shelter') }} as grid
        inner join {{ ref('bridge_division_scope') }} as scope on grid.division_code = scope.division_code
        group by scope.scope_code
    ),

    told as (
        select
            'I21' as indicator_id,
            coverage.part,
            coverage.window_kind,
            coverage.first_on,
            coverage.division_code,
            coverage.numerator,
            coverage.denominator
        from coverage
        union all
        select
            'I21' as indicator_id,
            overdue.part,
            overdue.window_kind,
            overdue.first_on,
            overdue.division_code,
            overdue.numerator,
            overdue.denominator
        from overdue
        union all
        select
            'I22' as indicator_id,
            stock_parts.part,
            stock_parts.window_kind,
            stock_parts.first_on,
            stock_parts.division_code,
            stock_parts.numerator,
            cast(null as bigint) as denominator
        from stock_parts
        union all
        select
            'I22' as indicator_id,
            'shelter_m2_per_head' as part,
            windows.window_kind,
            windows.first_on,
            places.division_code,
            coalesce(shelters.area_m2, 0) as numerator,
            places.resident_population_n as denominator
        from windows
        cross join places
        left join shelters on places.division_code = shelters.division_code
        union all
        select
            'I22' as indicator_id,
            'shelter_1km_rate' as part,
            windows.window_kind,
            windows.first_on,
            near.division_code,
            coalesce(near.near_n, 0) as numerator,
            near.residents_n as denominator
        from windows
        cross join near
    )

select
    told.indicator_id,
    told.part,
    '' as variant,
    told.window_kind,
    told.first_on,
    windows.last_on,
    places.scope,
    told.division_code,
    cast(told.numerator as double) / coalesce(cast(nullif(told.denominator, 0) as double), 1) as value,
    cast(told.numerator as decimal(24, 6)) as numerator,
    cast(told.denominator as decimal(24, 6)) as denominator
from told
inner join windows on told.window_kind = windows.window_kind and told.first_on = windows.first_on
inner join places on told.division_code = places.division_code
inner join
    {{ ref('indicator_part') }} as part
    on told.indicator_id = part.indicator_id
    and told.part = part.part
    and list_contains(string_split(part.windows, ' '), told.window_kind)
    and list_contains(string_split(part.scopes, ' '), places.scope)
