{{ config(enabled=fed_by('economic_figure', 'water_sample', 'grid_party', 'grid')) }}
-- A figure of the city is the bureau's own and not the sum of its counties'.
with
    parts as (
        select figure.division_code, figure.month_on, headline.numerator_of as part, figure.value as numerator
        from {{ ref('fct_econ_month') }} as figure
        inner join {{ ref('economic_series') }} as headline on figure.indicator_id = headline.series_code
        where headline.numerator_of is not null
    ),

    wholes as (
        select
            figure.division_code,
            figure.month_on,
            unnest(string_split(headline.denominator_of, ' ')) as part,
            figure.value as denominator
        from {{ ref('fct_econ_month') }} as figure
        inner join {{ ref('economic_series') }} as headline on figure.indicator_id = headline.series_code
        where headline.denominator_of is not null
    ),

    economy as (
        select parts.*, wholes.denominator, ratio.part is not null as is_ratio
        from parts
        left join (select distinct wholes.part from wholes) as ratio on parts.part = ratio.part
        left join
            wholes
            on parts.part = wholes.part
            and parts.division_code = wholes.division_code
            and parts.month_on = wholes.month_on
    ),

    shares as (
        select
            'I23' as indicator_id,
            economy.part,
            economy.division_code,
            economy.month_on,
            economy.is_ratio,
            cast(economy.numerator as decimal(24, 6)) as numerator,
            cast(economy.denominator as decimal(24, 6)) as denominator
        from economy
        where economy.numerator is not null
        union all by name
        select
            'I15' as indicator_id,
            'water_good_rate' as part,
            scope.scope_code as division_code,
            section.month_on,
            true as is_ratio,
            cast(count(*) filter (where section.is_good) as decimal(24, 6)) as numerator,
            cast(count(*) as decimal(24, 6)) as denominator
        from {{ ref('fct_water_section_month') }} as section
        inner join
            {{ ref('bridge_division_scope') }} as scope
            on section.division_code is not distinct from scope.division_code
        group by scope.scope_code, section.month_on
        union all by name
        select
            'I23' as indicator_id,
            'party_coverage' as part,
            scope.scope_code as division_code,
            grid.month_on,
            true as is_ratio,
            cast(count(*) filter (where grid.has_party) as decimal(24, 6)) as numerator,
            cast(count(*) as decimal(24, 6)) as denominator
        from {{ ref('fct_grid_party') }} as grid
        inner join
            {{ ref('bridge_division_scope') }} as scope on grid.division_code is not distinct from scope.division_code
        group by scope.scope_code, grid.month_on
    )

select
    shares.indicator_id,
    shares.part,
    '' as variant,
    span.window_kind,
    span.first_on,
    span.last_on,
    level.scope,
    shares.division_code,
    case
        when shares.is_ratio
        then cast(shares.numerator as double) / nullif(cast(shares.denominator as double), 0)
        else cast(shares.numerator as double)
    end as value,
    shares.numerator,
    shares.denominator
from shares
inner join
    ({{ indicator_windows() }}) as span
    on shares.month_on = span.first_on
    and cast(shares.month_on + interval 1 month as date) = span.last_on + 1
inner join {{ ref('dim_admin_division') }} as division on shares.division_code = division.division_code
inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
