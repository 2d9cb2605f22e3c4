{{ config(enabled=fed_by('economic_figure')) }}
-- One version for a month: a final figure over a preliminary one, then the newest delivery.
with
    versions as (
        select
            input.*,
            row_number() over (
                partition by input.series_code, input.division_code, input.month_on
                order by
                    input.is_final desc,
                    input.delivered_on desc,
                    input.landed_at desc,
                    input.file_name desc,
                    input.record_no desc
            ) as newest_no
        from {{ ref('input_economic_figure') }} as input
    ),

    newest as (
        select versions.*, date_part('month', versions.month_on) = 1 as is_january
        from versions
        where versions.newest_no = 1
    ),

    -- Flows add up over the year, stocks and rates do not: told by the divisions and months together, so that a county
    -- that fills the month's column with the year's total does not make a stock of a flow.
    series as (
        select
            newest.series_code,
            count(*) filter (where newest.value <> newest.value_cumulative)
            > count(*) filter (where newest.value = newest.value_cumulative) as is_flow
        from newest
        where not newest.is_january
        group by newest.series_code
    ),

    marked as (
        select
            newest.*,
            coalesce(series.is_flow, false) as is_flow,
            coalesce(series.is_flow, false)
            and not newest.is_january
            and (newest.says_cumulative or coalesce(newest.value = newest.value_cumulative, false)) as is_cumulative
        from newest
        left join series on newest.series_code = series.series_code
    ),

    chained as (
        select
            marked.*,
            case
                when lag(marked.month_on) over own = cast(marked.month_on - interval 1 month as date)
                then lag(marked.value_cumulative) over own
            end as cumulative_before
        from marked
        window own as (partition by marked.series_code, marked.division_code order by marked.month_on)
    )

select
    chained.series_code as indicator_id,
    chained.division_code,
    chained.month_on,
    chained.series_name_zh,
    headline.series,
    headline.pillar,
    chained.unit,
    cast(
        case
            when not chained.is_cumulative and chained.value is not null
            then chained.value
            when not chained.is_flow or chained.is_january
            then chained.value_cumulative
            else chained.value_cumulative - chained.cumulative_before
        end as decimal(18, 4)
    ) as value,
    cast(chained.value_cumulative as decimal(18, 4)) as value_cumulative,
    cast(chained.growth_pct as decimal(9, 2)) as growth_pct,
    chained.is_flow,
    chained.is_cumulative,
    chained.is_cumulative and not chained.says_cumulative as is_cumulative_untold,
    chained.is_cumulative or chained.value is null as is_derived,
    not chained.is_final as is_preliminary
from chained
left join {{ ref('economic_series') }} as headline on chained.series_code = headline.series_code
