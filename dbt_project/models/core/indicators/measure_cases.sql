{{ config(enabled=fed_by('case', 'grid')) }}
with
    windows as ({{ indicator_windows() }}),

    visited as (
        select
            counted.visited_on,
            bridge.scope_code as division_code,
            count(*) as visited_n,
            cast(sum(weight.weight) as decimal(24, 6)) as satisfied_n
        from {{ ref('case_counted') }} as counted
        inner join {{ ref('case_source') }} as source on counted.source_system = source.source_system
        inner join
            {{ std_in_force('satisfaction_weight', ['variant', 'satisfaction_no']) }} as weight
            on counted.satisfaction_no = weight.satisfaction_no
            and not weight.is_partial
        inner join {{ ref('bridge_division_scope') }} as bridge on counted.place_code = bridge.division_code
        where source.is_hotline and counted.visited_on is not null
        group by counted.visited_on, bridge.scope_code
    ),

    summed as (
        select
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            visited.division_code,
            cast(sum(visited.satisfied_n) as bigint) as satisfied_n,
            cast(sum(visited.visited_n) as bigint) as visited_n
        from windows
        inner join visited on visited.visited_on >= windows.first_on and visited.visited_on <= windows.last_on
        group by windows.window_kind, windows.first_on, windows.last_on, visited.division_code
    ),

    bounds as (
        select summed.*, 'satisfaction_low' as part, {{ wilson_low('summed.satisfied_n', 'summed.visited_n') }} as value
        from summed
        union all
        select
            summed.*, 'satisfaction_high' as part, {{ wilson_high('summed.satisfied_n', 'summed.visited_n') }} as value
        from summed
    )

select
    'I04' as indicator_id,
    bounds.part,
    '' as variant,
    bounds.window_kind,
    bounds.first_on,
    bounds.last_on,
    level.scope,
    bounds.division_code,
    bounds.value,
    cast(bounds.satisfied_n as decimal(24, 6)) as numerator,
    cast(bounds.visited_n as decimal(24, 6)) as denominator
from bounds
inner join {{ ref('dim_admin_division') }} as division on bounds.division_code = division.division_code
inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
