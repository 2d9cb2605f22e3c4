{{ config(enabled=fed_by('case', 'grid')) }}
with
    found as (
        select
            counted.created_on as day_on,
            counted.place_code as division_code,
            count(*) as events_n,
            count(*) filter (where counted.is_valid is not false) as valid_n
        from {{ ref('case_counted') }} as counted
        inner join {{ ref('case_source') }} as source on counted.source_system = source.source_system
        where source.is_grid
        group by counted.created_on, counted.place_code
    )

select
    'I24' as indicator_id,
    'events_per_1k' as part,
    '' as variant,
    found.day_on,
    found.division_code,
    cast(found.events_n as decimal(24, 6)) as numerator,
    cast(null as decimal(24, 6)) as denominator
from found
union all
select
    'I24' as indicator_id,
    'valid_rate' as part,
    '' as variant,
    found.day_on,
    found.division_code,
    cast(found.valid_n as decimal(24, 6)) as numerator,
    cast(found.events_n as decimal(24, 6)) as denominator
from found
