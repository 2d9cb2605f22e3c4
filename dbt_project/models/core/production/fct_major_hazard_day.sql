{{ config(enabled=fed_by('enterprise', 'major_hazard_day')) }}
with
    readings as (
        select
            input.*,
            row_number() over (
                partition by input.hazard_source_key, input.day_on order by {{ newest_first('input') }}
            ) as newest_no
        from {{ ref('input_major_hazard_day') }} as input
    ),

    newest_day as (select max(input.day_on) as day_on from {{ ref('input_major_hazard_day') }} as input),

    -- A source stays on the list on days on which its gauge was off; one that has been silent for long has left it.
    listed as (
        select
            source.*,
            unnest(
                generate_series(
                    cast(source.first_on as timestamp),
                    cast(
                        case
                            when newest_day.day_on - source.last_on <= {{ threshold('major_hazard_silent_days') }}
                            then newest_day.day_on
                            else source.last_on
                        end as timestamp
                    ),
                    interval 1 day
                )
            ) as listed_at
        from {{ ref('dim_major_hazard_source') }} as source
        cross join newest_day
    ),

    days as (
        select
            listed.hazard_source_key,
            listed.enterprise_key,
            listed.chemical,
            listed.alpha,
            listed.beta,
            listed.limit_t,
            listed.design_t,
            cast(listed.listed_at as date) as day_on,
            reading.stock_t as read_stock_t,
            coalesce(reading.is_stock_repaired, false) as is_stock_repaired,
            reading.hazard_source_key is null as is_gauge_off,
            reading.alarms_n,
            reading.handled_n,
            coalesce(reading.division_code, listed.division_code) as division_code,
            reading.delivered_on
        from listed
        left join
            readings as reading
            on listed.hazard_source_key = reading.hazard_source_key
            and cast(listed.listed_at as date) = reading.day_on
            and reading.newest_no = 1
    ),

    -- The same stock to the hundredth as on the day before: the gauge is stuck.
    judged as (
        select
            days.*,
            coalesce(
                days.read_stock_t
                = lag(days.read_stock_t ignore nulls) over (partition by days.hazard_source_key order by days.day_on),
                false
            ) as is_gauge_stuck
        from days
    ),

    good as (
        select
            judged.*,
            case when not judged.is_gauge_stuck then judged.read_stock_t end as good_stock_t,
            case when not judged.is_gauge_stuck and judged.read_stock_t is not null then judged.day_on end as good_on
        from judged
    ),

    between_good as (
        select
            good.*,
            last_value(good.good_stock_t ignore nulls) over before as stock_before_t,
            last_value(good.good_on ignore nulls) over before as good_before_on,
            first_value(good.good_stock_t ignore nulls) over after as stock_after_t,
            first_value(good.good_on ignore nulls) over after as good_after_on
        from good
        window
            before as (
                partition by good.hazard_source_key
                order by good.day_on
                rows between unbounded preceding and current row
            ),
            after as (
                partition by good.hazard_source_key
                order by good.day_on
                rows between current row and unbounded following
            )
    ),

    -- Where the gauge tells nothing, the straight line from its last to its next good reading; at the end the last one.
    stocked as (
        select
            between_good.*,
            cast(
                case
                    when between_good.good_stock_t is not null
                    then between_good.good_stock_t
                    when between_good.stock_before_t is null
                    then between_good.stock_after_t
                    when between_good.stock_after_t is null
                    then between_good.stock_before_t
                    else
                        between_good.stock_before_t
                        + (between_good.stock_after_t - between_good.stock_before_t)
                        * (between_good.day_on - between_good.good_before_on)
                        / (between_good.good_after_on - between_good.good_before_on)
                end as decimal(14, 2)
            ) as stock_t
        from between_good
    ),

    scored as (
        select
            stocked.*,
            cast(stocked.alpha * stocked.beta * stocked.stock_t / stocked.limit_t as decimal(12, 3)) as r_value
        from stocked
    )

select
    scored.hazard_source_key,
    scored.day_on,
    scored.enterprise_key,
    scored.chemical,
    scored.stock_t,
    scored.limit_t,
    scored.design_t,
    cast(100.0 * scored.stock_t / scored.design_t as decimal(9, 2)) as filled_pct,
    cast(scored.stock_t / scored.limit_t as decimal(12, 3)) as q_ratio,
    scored.r_value,
    level.level_no,
    scored.is_stock_repaired,
    scored.is_gauge_off,
    scored.is_gauge_stuck,
    scored.alarms_n,
    scored.handled_n,
    scored.division_code,
    scored.delivered_on
from scored
left join
    {{ ref('std_major_hazard_level') }} as level
    on (level.r_from is null or scored.r_value >= level.r_from)
    and (level.r_below is null or scored.r_value < level.r_below)
    and level.valid_from <= scored.day_on
    and (level.valid_to is null or scored.day_on < level.valid_to)
