{{ config(enabled=fed_by('emission_hour', 'module_probe_day')) }}
select
    'I23' as indicator_id,
    'emission_days_over' as part,
    '' as variant,
    emission.date_on as day_on,
    emission.division_code,
    cast(count(*) filter (where emission.is_over) as decimal(24, 6)) as numerator,
    cast(null as decimal(24, 6)) as denominator
from {{ ref('fct_emission_daily') }} as emission
group by emission.date_on, emission.division_code
union all
select
    'I23' as indicator_id,
    'modules_up' as part,
    '' as variant,
    module.date_on as day_on,
    root.scope_code as division_code,
    cast(count(*) filter (where module.is_up) as decimal(24, 6)) as numerator,
    cast(count(module.is_up) as decimal(24, 6)) as denominator
from {{ ref('fct_module_day') }} as module
inner join {{ ref('bridge_division_scope') }} as root on root.division_code is null
group by module.date_on, root.scope_code
