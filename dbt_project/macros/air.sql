{# Individual indices of a relation with date_on, item, period and rounded_concentration, by every standard of the index:
   its columns, index_std, is_daily, is_in_force (the standard holds on date_on) and iaqi. Linear between two breakpoints,
   rounded up; above the last one what the standard says, NULL where it says "not computed". #}
{% macro iaqi_of(relation) -%}
    select
        measured.*,
        segment.index_std,
        segment.is_daily,
        segment.valid_from <= measured.date_on
        and (segment.valid_to is null or measured.date_on < segment.valid_to) as is_in_force,
        cast(
            case
                when segment.next_concentration is null
                then
                    case
                        when measured.rounded_concentration = segment.concentration
                        then segment.iaqi
                        else segment.above_iaqi
                    end
                -- Both sides of the quotient are exact, so that a whole index stays whole.
                else
                    segment.iaqi + ceil(
                        cast(
                            (segment.next_iaqi - segment.iaqi)
                            * (measured.rounded_concentration - segment.concentration) as double
                        )
                        / cast(segment.next_concentration - segment.concentration as double)
                    )
            end as integer
        ) as iaqi
    from {{ relation }} as measured
    inner join
        (
            select
                breakpoint.*,
                lead(breakpoint.concentration) over scale as next_concentration,
                lead(breakpoint.iaqi) over scale as next_iaqi
            from {{ std('std_aqi_breakpoint', ['index_std', 'item', 'period', 'iaqi']) }} as breakpoint
            window
                scale as (
                    partition by breakpoint.index_std, breakpoint.item, breakpoint.period order by breakpoint.iaqi
                )
        ) as segment
        on measured.item = segment.item
        and measured.period = segment.period
        and measured.rounded_concentration >= segment.concentration
        and (segment.next_concentration is null or measured.rounded_concentration < segment.next_concentration)
{%- endmacro %}
