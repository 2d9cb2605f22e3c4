{{ config(enabled=fed_by(
    'case', 'grid', 'hazard', 'command_lead', 'gas_alarm', 'market_complaint', 'patrol_hit', 'ai_event', 'survey'
)) }}
with
    months as ({{ indicator_months() }}),

    told as (
        select
            told.month_on,
            told.division_code,
            cast(sum(told.first_n) as bigint) as first_n,
            cast(coalesce(sum(told.found_n) filter (where channel.is_resident), 0) as bigint) as reports_n,
            cast(coalesce(sum(told.first_n) filter (where channel.is_resident), 0) as bigint) as reports_first_n,
            cast(coalesce(sum(told.first_n) filter (where channel.is_enterprise), 0) as bigint) as self_check_n
        from {{ ref('discovery_channel') }} as told
        inner join
            {{ ref('discovery_channel_kind') }} as channel
            on told.channel_key = channel.channel_key
            and channel.is_in_share
        group by told.month_on, told.division_code
    ),

    -- What people thought of the answer they got.
    asked as (
        select
            months.month_on, scope.scope_code, count(*) filter (where counted.satisfaction_no is not null) as ratings_n
        from months
        inner join {{ ref('case_counted') }} as counted on counted.visited_on between months.month_on and months.last_on
        inner join
            {{ ref('case_source') }} as source on counted.source_system = source.source_system and source.is_hotline
        inner join
            {{ ref('bridge_division_scope') }} as scope
            on counted.division_code is not distinct from scope.division_code
        group by months.month_on, scope.scope_code
    ),

    volunteers as (
        select
            scope.scope_code,
            count(*) as grids_n,
            count(*) filter (where grid.volunteers_n > 0) as grids_with_volunteers_n,
            cast(coalesce(sum(grid.volunteers_n), 0) as bigint) as volunteers_n
        from {{ ref('dim_grid') }} as grid
        inner join {{ ref('bridge_division_scope') }} as scope on grid.division_code = scope.division_code
        where grid.is_current
        group by scope.scope_code
    ),

    surveyed as (
        select months.month_on, scope.scope_code, count(distinct response.response_key) as survey_n
        from months
        inner join
            {{ ref('fct_survey_response') }} as response
            on response.answered_on between months.month_on and months.last_on
        inner join {{ ref('bridge_division_scope') }} as scope on response.division_code = scope.division_code
        group by months.month_on, scope.scope_code
    )

select
    months.month_on,
    residents.division_code,
    residents.resident_population_n,
    coalesce(told.reports_n, 0) as reports_n,
    cast(
        coalesce(told.reports_n, 0) * 10000 / nullif(residents.resident_population_n, 0) as decimal(12, 4)
    ) as reports_per_10k,
    coalesce(told.reports_first_n, 0) as reports_first_n,
    {{ percent_of('told.reports_first_n', 'told.first_n') }} as reports_first_pct,
    coalesce(told.self_check_n, 0) as self_check_n,
    coalesce(asked.ratings_n, 0) as ratings_n,
    volunteers.volunteers_n,
    cast(
        volunteers.volunteers_n * 10000 / nullif(residents.resident_population_n, 0) as decimal(12, 4)
    ) as volunteers_per_10k,
    volunteers.grids_n,
    volunteers.grids_with_volunteers_n,
    coalesce(surveyed.survey_n, 0) as survey_n
from months
cross join {{ ref('division_residents') }} as residents
inner join volunteers on residents.division_code = volunteers.scope_code
left join told on months.month_on = told.month_on and residents.division_code = told.division_code
left join asked on months.month_on = asked.month_on and residents.division_code = asked.scope_code
left join surveyed on months.month_on = surveyed.month_on and residents.division_code = surveyed.scope_code
