{{ config(enabled=fed_by('grid', 'case')) }}
with items as (
    select
        item.*,
        coalesce(item.variant, '') as known_variant
    from {{ std_in_force('std_scorecard_item', ['indicator_id', 'part', 'variant', 'valid_from']) }} as item
),

-- Windows longer than a day.
figures as (
    select
        value.window_kind,
        value.first_on,
        value.last_on,
        value.division_code,
        level.is_county,
        items.indicator_id,
        items.part,
        items.known_variant as variant,
        items.pillar_zh,
        items.weight,
        items.is_count,
        items.is_lower_better,
        value.is_complete,
        value.numerator as hits,
        case
            when items.is_count then cast(residents.resident_population_n as decimal(24, 6))
            else value.denominator
        end as trials
    from {{ ref('indicator_value') }} as value
    inner join items
        on
            value.indicator_id = items.indicator_id
            and value.part = items.part
            and value.variant = items.known_variant
    inner join {{ ref('dim_admin_division') }} as division on value.division_code = division.division_code
    inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
    left join {{ ref('division_residents') }} as residents on value.division_code = residents.division_code
    where value.first_on < value.last_on and (level.is_county or division.parent_code is null)
),

counties as (
    select figures.*
    from figures
    where figures.is_county and figures.trials > 0 and figures.hits is not null
),

cities as (
    select
        figures.window_kind,
        figures.first_on,
        figures.indicator_id,
        figures.part,
        figures.variant,
        figures.hits / figures.trials as share
    from figures
    where not figures.is_county and figures.trials > 0
),

-- Shares and rates drawn to that of all counties: Marshall (1991), the global estimator, with the chance of a share.
sums as (
    select
        counties.window_kind,
        counties.first_on,
        counties.indicator_id,
        counties.part,
        counties.variant,
        cast(sum(counties.hits) as double) / cast(sum(counties.trials) as double) as mean_share,
        cast(sum(counties.trials) as double) as trials,
        cast(sum(cast(cast(counties.hits as double) * counties.hits / counties.trials as decimal(24, 8))) as double)
            as squares,
        count(*) as counties_n
    from counties
    group by counties.window_kind, counties.first_on, counties.indicator_id, counties.part, counties.variant
),

drawn as (
    select
        counties.*,
        cities.share as city_share,
        cast(counties.hits as double) / counties.trials as share,
        sums.mean_share,
        greatest(
            sums.squares / sums.trials - sums.mean_share * sums.mean_share
            - sums.mean_share * (1 - sums.mean_share) * sums.counties_n / sums.trials,
            0
        ) as variance
    from counties
    inner join sums
        on
            counties.window_kind = sums.window_kind
            and counties.first_on = sums.first_on
            and counties.indicator_id = sums.indicator_id
            and counties.part = sums.part
            and counties.variant = sums.variant
    left join cities
        on
            counties.window_kind = cities.window_kind
            and counties.first_on = cities.first_on
            and counties.indicator_id = cities.indicator_id
            and counties.part = cities.part
            and counties.variant = cities.variant
),

bounded as (
    select
        drawn.*,
        case when drawn.is_count then 10000 else 100 end as factor,
        case
            when drawn.variance > 0
                then
                    drawn.mean_share
                    + (drawn.share - drawn.mean_share) * drawn.variance
                    / (drawn.variance + drawn.mean_share * (1 - drawn.mean_share) / drawn.trials)
            else drawn.mean_share
        end as eb_share,
        {{ wilson_low('drawn.hits', 'drawn.trials') }} as low_share,
        {{ wilson_high('drawn.hits', 'drawn.trials') }} as high_share
    from drawn
),

signed as (
    select
        bounded.*,
        cast(case when bounded.is_lower_better then -bounded.eb_share else bounded.eb_share end as decimal(18, 8)) as merit
    from bounded
),

-- Where a county stands, equal ones in the middle of their places: all equal have 50.
pointed as (
    select
        signed.*,
        cast(
            100.0 * (
                percent_rank() over (
                    partition by signed.window_kind, signed.first_on, signed.indicator_id, signed.part, signed.variant
                    order by signed.merit
                )
                + 1
                - percent_rank() over (
                    partition by signed.window_kind, signed.first_on, signed.indicator_id, signed.part, signed.variant
                    order by signed.merit desc
                )
            ) / 2 as decimal(5, 1)
        ) as points
    from signed
),

scored as (
    select
        pointed.window_kind,
        pointed.first_on,
        pointed.division_code,
        cast(sum(pointed.weight * pointed.points) / sum(pointed.weight) as decimal(5, 1)) as county_score,
        count(*) as items_n
    from pointed
    group by pointed.window_kind, pointed.first_on, pointed.division_code
),

placed as (
    select
        scored.*,
        rank() over (partition by scored.window_kind, scored.first_on order by scored.county_score desc) as rank_no
    from scored
)

select
    pointed.window_kind,
    pointed.first_on as starts_on,
    pointed.last_on as ends_on,
    pointed.division_code,
    pointed.indicator_id,
    pointed.part,
    pointed.variant,
    pointed.pillar_zh,
    pointed.is_count,
    pointed.is_lower_better,
    pointed.is_complete,
    pointed.hits as numerator,
    pointed.trials as denominator,
    cast(pointed.share * pointed.factor as decimal(18, 4)) as rate,
    cast(greatest(pointed.low_share, 0) * pointed.factor as decimal(18, 4)) as rate_low,
    cast(pointed.high_share * pointed.factor as decimal(18, 4)) as rate_high,
    cast(pointed.eb_share * pointed.factor as decimal(18, 4)) as eb_rate,
    cast(pointed.city_share * pointed.factor as decimal(18, 4)) as city_rate,
    -- 1 better, -1 worse than the city, 0 not to be told apart at 95 %.
    case
        when pointed.city_share between pointed.low_share and pointed.high_share or pointed.city_share is null then 0
        when (pointed.share > pointed.city_share) = pointed.is_lower_better then -1
        else 1
    end as verdict_no,
    pointed.points,
    placed.items_n,
    placed.county_score,
    placed.rank_no
from pointed
inner join placed
    on
        pointed.window_kind = placed.window_kind
        and pointed.first_on = placed.first_on
        and pointed.division_code = placed.division_code
