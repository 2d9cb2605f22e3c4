{{ config(enabled=fed_by('case', 'division', 'grid')) }}
-- The city and its counties; townships are too small for a daily expectation.
with
    scopes as (
        select division.division_code
        from {{ ref('dim_admin_division') }} as division
        left join {{ ref('dim_admin_division') }} as parent on division.parent_code = parent.division_code
        where parent.parent_code is null
    ),

    days as (
        select
            feed.subject as source_system,
            calendar.date_on as day_on,
            calendar.is_holiday,
            calendar.is_makeup_workday,
            feed.is_in
        from {{ ref('feed_day') }} as feed
        inner join {{ ref('case_source') }} as source on feed.subject = source.source_system
        inner join {{ ref('dim_date') }} as calendar on feed.day_on = calendar.date_on
        where feed.day_on > {{ as_of() }} - cast({{ threshold('case_baseline.history_days') }} as integer)
    ),

    counted as (
        select
            fact.source_system,
            category.level1_zh as topic_zh,
            scope.scope_code as division_code,
            fact.created_on as day_on,
            count(*) as cases_n
        from {{ ref('fct_case') }} as fact
        inner join {{ ref('dim_event_category') }} as category on fact.category_key = category.category_key
        inner join
            {{ ref('bridge_division_scope') }} as scope on fact.division_code is not distinct from scope.division_code
        where fact.created_on > {{ as_of() }} - cast({{ threshold('case_baseline.history_days') }} as integer)
        group by fact.source_system, category.level1_zh, scope.scope_code, fact.created_on
    ),

    topics as (select distinct counted.source_system, counted.topic_zh from counted)

select
    topics.source_system,
    topics.topic_zh,
    scopes.division_code,
    days.day_on,
    days.is_holiday,
    days.is_makeup_workday,
    case when days.is_in then coalesce(counted.cases_n, 0) end as cases_n
from topics
cross join scopes
inner join days on topics.source_system = days.source_system
left join
    counted
    on topics.source_system = counted.source_system
    and topics.topic_zh = counted.topic_zh
    and scopes.division_code = counted.division_code
    and days.day_on = counted.day_on
