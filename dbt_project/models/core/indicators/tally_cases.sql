{{ config(enabled=fed_by('case', 'grid')) }}
with
    hotline as (
        select counted.*
        from {{ ref('case_counted') }} as counted
        inner join {{ ref('case_source') }} as source on counted.source_system = source.source_system
        where source.is_hotline
    ),

    accepted as (
        select
            hotline.accepted_on as day_on,
            hotline.place_code as division_code,
            count(*) as accepted_n,
            count(*) filter (where hotline.is_dispatched) as dispatched_n,
            count(*) filter (where hotline.is_direct) as direct_n
        from hotline
        where hotline.accepted_on is not null
        group by hotline.accepted_on, hotline.place_code
    ),

    due as (
        select
            hotline.due_on as day_on,
            hotline.place_code as division_code,
            count(*) as due_n,
            count(*) filter (where hotline.settled_at <= hotline.deadline_at) as in_time_n
        from hotline
        where hotline.is_to_settle and hotline.due_on is not null
        group by hotline.due_on, hotline.place_code
    ),

    visited as (
        select
            hotline.visited_on as day_on,
            hotline.place_code as division_code,
            hotline.satisfaction_no,
            count(*) as visited_n,
            count(*) filter (where hotline.is_solved) as solved_n
        from hotline
        where hotline.visited_on is not null and hotline.satisfaction_no is not null
        group by hotline.visited_on, hotline.place_code, hotline.satisfaction_no
    ),

    settled as (
        select
            hotline.settled_on as day_on,
            hotline.place_code as division_code,
            count(*) as settled_n,
            count(hotline.satisfaction_no) as answered_n
        from hotline
        where hotline.is_to_settle and hotline.settled_on is not null
        group by hotline.settled_on, hotline.place_code
    ),

    told as (
        select
            'I01' as indicator_id,
            'accepted' as part,
            '' as variant,
            day_on,
            division_code,
            accepted_n as hits,
            null as base
        from accepted
        union all
        select 'I01', 'accepted_per_10k', '', day_on, division_code, accepted_n, null
        from accepted
        union all
        select 'I02', 'dispatched', '', day_on, division_code, dispatched_n, null
        from accepted
        union all
        select 'I02', 'dispatch_rate', '', day_on, division_code, dispatched_n, accepted_n
        from accepted
        union all
        select 'I02', 'direct_rate', '', day_on, division_code, direct_n, accepted_n
        from accepted
        union all
        select 'I03', 'due', '', day_on, division_code, due_n, null
        from due
        union all
        select 'I03', 'on_time_rate', '', day_on, division_code, in_time_n, due_n
        from due
        union all
        select
            'I04',
            'satisfaction_rate',
            weight.variant,
            day_on,
            division_code,
            sum(visited_n * weight.weight),
            sum(visited_n)
        from visited
        inner join
            {{ std_in_force('satisfaction_weight', ['variant', 'satisfaction_no']) }} as weight
            on visited.satisfaction_no = weight.satisfaction_no
        group by weight.variant, day_on, division_code
        union all
        select 'I04', 'solved_rate', '', day_on, division_code, sum(solved_n), sum(visited_n)
        from visited
        group by day_on, division_code
        union all
        select 'I04', 'visited_rate', '', day_on, division_code, answered_n, settled_n
        from settled
    )

select
    told.indicator_id,
    told.part,
    told.variant,
    told.day_on,
    told.division_code,
    cast(told.hits as decimal(24, 6)) as numerator,
    cast(told.base as decimal(24, 6)) as denominator
from told
