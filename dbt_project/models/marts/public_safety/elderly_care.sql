{{ config(enabled=fed_by('elder_care', 'smart_alarm')) }}
select
    care.week_on as monday_on,
    scope.scope_code as division_code,
    care.level as care_level,
    count(*) filter (where not care.is_stopped) as cared_n,
    count(*) filter (where care.is_aged_alone and not care.is_stopped) as aged_alone_n,
    count(*) filter (where care.is_overdue and not care.is_stopped) as visits_overdue_n,
    {{ percent_of('count(*) filter (where care.is_overdue and not care.is_stopped)', 'count(*) filter (where not care.is_stopped)') }}
    as visits_overdue_pct,
    count(*) filter (where care.is_overdue and care.is_aged_alone and not care.is_stopped) as aged_alone_overdue_n,
    count(*) filter (where care.last_visit_on is null and not care.is_stopped) as visit_unknown_n,
    cast(
        quantile_cont(care.unvisited_days, 0.9) filter (where not care.is_stopped) as decimal(10, 1)
    ) as unvisited_p90_days,
    count(*) filter (where care.has_device and not care.is_stopped) as with_device_n,
    count(*) filter (where care.is_device_silent and not care.is_stopped) as devices_silent_n,
    count(*) filter (where care.is_stopped) as stopped_on_list_n
from {{ ref('care_person') }} as care
inner join {{ ref('bridge_division_scope') }} as scope on care.division_code is not distinct from scope.division_code
group by care.week_on, scope.scope_code, care.level
