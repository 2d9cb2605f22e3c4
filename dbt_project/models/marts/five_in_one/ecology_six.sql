{{ config(enabled=fed_by(
    'grid', 'case', 'economic_figure', 'water_sample', 'grid_party', 'emission_hour', 'module_probe_day', 'patrol_hit'
)) }}
with
    months as ({{ indicator_months() }}),

    catalogued as (
        select
            measure.measure,
            indicator.first_on as month_on,
            indicator.division_code,
            indicator.value,
            indicator.numerator,
            indicator.denominator,
            indicator.is_complete
        from {{ ref('indicator_value') }} as indicator
        inner join
            {{ ref('ecology_measure') }} as measure
            on indicator.indicator_id = measure.indicator_id
            and indicator.part = measure.part
        inner join {{ ref('mart_window') }} as form on indicator.window_kind = form.window_kind and form.is_monthly
        where length(indicator.variant) = 0
    ),

    -- What is no indicator of the catalogue, by the smallest division known.
    outfalls as (
        select
            cast(date_trunc('month', emission.date_on) as date) as month_on,
            emission.division_code,
            emission.outfall_key,
            count(*) as days_n,
            count(*) filter (where emission.is_valid) as valid_days_n,
            bool_or(emission.is_over) as is_over,
            -- Standing still by its own word, and a tenth of the permit comes out all the same.
            count(*) filter (
                where
                    emission.says_stopped
                    and emission.mean_value >= emission.limit_value * {{ threshold('stopped_emits_share') }}
            ) as stopped_emitting_days_n
        from {{ ref('fct_emission_daily') }} as emission
        group by all
    ),

    appeals as (
        select
            cast(date_trunc('month', fact.created_on) as date) as month_on,
            fact.division_code,
            category.ecology_block,
            count(*) as appeals_n,
            count(*) filter (where fact.is_closed) as closed_n
        from {{ ref('case_counted') }} as fact
        inner join
            {{ ref('network_category') }} as category
            on fact.category_key = category.category_key
            and category.ecology_block is not null
        group by all
    ),

    own as (
        select
            'sections_on_target_rate' as measure,
            section.month_on as month_on,
            section.division_code as division_code,
            count(*) filter (where section.is_on_target) as numerator,
            count(*) as denominator
        from {{ ref('fct_water_section_month') }} as section
        group by all
        union all
        select
            'dumping_hits' as measure,
            cast(date_trunc('month', hit.found_on) as date) as month_on,
            hit.division_code as division_code,
            count(*) as numerator,
            null as denominator
        from {{ ref('fct_patrol_hit') }} as hit
        inner join
            (select distinct kind.hit_kind from {{ ref('patrol_hit_kind') }} as kind where kind.is_dumping) as dumping
            on hit.hit_kind = dumping.hit_kind
        where hit.is_confirmed is distinct from false
        group by all
        union all
        select
            'outfalls_over' as measure,
            outfalls.month_on as month_on,
            outfalls.division_code as division_code,
            count(*) filter (where outfalls.is_over) as numerator,
            null as denominator
        from outfalls
        group by all
        union all
        select
            'emission_valid_rate' as measure,
            outfalls.month_on as month_on,
            outfalls.division_code as division_code,
            sum(outfalls.valid_days_n) as numerator,
            sum(outfalls.days_n) as denominator
        from outfalls
        group by all
        union all
        select
            'stopped_emitting_days' as measure,
            outfalls.month_on as month_on,
            outfalls.division_code as division_code,
            sum(outfalls.stopped_emitting_days_n) as numerator,
            null as denominator
        from outfalls
        group by all
        union all
        select
            appeals.ecology_block || '_appeals' as measure,
            appeals.month_on as month_on,
            appeals.division_code as division_code,
            appeals.appeals_n as numerator,
            null as denominator
        from appeals
        union all
        select
            'ecology_appeals' as measure,
            appeals.month_on as month_on,
            appeals.division_code as division_code,
            sum(appeals.appeals_n) as numerator,
            null as denominator
        from appeals
        group by all
        union all
        select
            'ecology_appeals_closed_rate' as measure,
            appeals.month_on as month_on,
            appeals.division_code as division_code,
            sum(appeals.closed_n) as numerator,
            sum(appeals.appeals_n) as denominator
        from appeals
        group by all
    ),

    scoped as (
        select
            own.measure,
            own.month_on,
            scope.scope_code as division_code,
            sum(own.numerator) as numerator,
            sum(own.denominator) as denominator
        from own
        inner join
            {{ ref('bridge_division_scope') }} as scope on own.division_code is not distinct from scope.division_code
        inner join months on own.month_on = months.month_on
        group by own.measure, own.month_on, scope.scope_code
    ),

    together as (
        select
            catalogued.measure,
            catalogued.month_on,
            catalogued.division_code,
            cast(catalogued.value as decimal(24, 6)) as value,
            catalogued.numerator,
            catalogued.denominator,
            catalogued.is_complete
        from catalogued
        union all
        select
            scoped.measure,
            scoped.month_on,
            scoped.division_code,
            case
                when scoped.denominator is null
                then cast(scoped.numerator as decimal(24, 6))
                else cast(scoped.numerator * 1.0 / nullif(scoped.denominator, 0) as decimal(24, 6))
            end as value,
            cast(scoped.numerator as decimal(24, 6)) as numerator,
            cast(scoped.denominator as decimal(24, 6)) as denominator,
            cast(null as boolean) as is_complete
        from scoped
    )

select
    measure.ecology_block,
    block.name_zh as ecology_block_zh,
    together.measure,
    measure.title_zh,
    measure.unit,
    measure.direction,
    measure.indicator_id,
    measure.part,
    together.month_on,
    together.division_code,
    together.value,
    together.numerator,
    together.denominator,
    together.is_complete,
    month_before.value as value_month_before,
    year_before.value as value_year_before,
    measure.order_no
from together
inner join {{ ref('ecology_measure') }} as measure on together.measure = measure.measure
inner join {{ ref('ecology_block') }} as block on measure.ecology_block = block.ecology_block
left join
    together as month_before
    on together.measure = month_before.measure
    and together.division_code = month_before.division_code
    and month_before.month_on = cast(together.month_on - interval 1 month as date)
left join
    together as year_before
    on together.measure = year_before.measure
    and together.division_code = year_before.division_code
    and year_before.month_on = cast(together.month_on - interval 1 year as date)
