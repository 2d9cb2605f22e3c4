{# How the units of one level stand to each other and to the city, item by item and all in all: `is_own_level` names the
   flag of division_level that tells them. An item on which chance could have made their order gives nobody a point more. #}
{% macro division_scorecard(is_own_level) %}
    with
        items as (
            select item.*, coalesce(item.variant, '') as known_variant
            from {{ std_in_force('std_scorecard_item', ['indicator_id', 'part', 'variant', 'valid_from']) }} as item
        ),

        -- Windows longer than a day.
        figures as (
            select
                value.window_kind,
                value.first_on,
                value.last_on,
                value.division_code,
                level.{{ is_own_level }},
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
                    when items.is_count
                    then cast(residents.resident_population_n as decimal(24, 6))
                    else value.denominator
                end as trials
            from {{ ref('indicator_value') }} as value
            inner join
                items
                on value.indicator_id = items.indicator_id
                and value.part = items.part
                and value.variant = items.known_variant
            inner join {{ ref('dim_admin_division') }} as division on value.division_code = division.division_code
            inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
            left join {{ ref('division_residents') }} as residents on value.division_code = residents.division_code
            where value.first_on < value.last_on and (level.{{ is_own_level }} or division.parent_code is null)
        ),

        units as (
            select figures.*
            from figures
            where figures.{{ is_own_level }} and figures.trials > 0 and figures.hits is not null
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
            where not figures.{{ is_own_level }} and figures.trials > 0
        ),

        -- Shares and rates drawn to that of all units of the level: Marshall (1991), the global estimator, with the
        -- chance of a share.
        sums as (
            select
                units.window_kind,
                units.first_on,
                units.indicator_id,
                units.part,
                units.variant,
                cast(sum(units.hits) as double) / cast(sum(units.trials) as double) as mean_share,
                cast(sum(units.trials) as double) as trials,
                cast(
                    sum(cast(cast(units.hits as double) * units.hits / units.trials as decimal(24, 8))) as double
                ) as squares,
                count(*) as units_n
            from units
            group by units.window_kind, units.first_on, units.indicator_id, units.part, units.variant
        ),

        drawn as (
            select
                units.*,
                cities.share as city_share,
                cast(units.hits as double) / units.trials as share,
                sums.mean_share,
                {{ variance_between_shares('sums.squares', 'sums.trials', 'sums.mean_share', 'sums.units_n') }}
                as variance
            from units
            inner join
                sums
                on units.window_kind = sums.window_kind
                and units.first_on = sums.first_on
                and units.indicator_id = sums.indicator_id
                and units.part = sums.part
                and units.variant = sums.variant
            left join
                cities
                on units.window_kind = cities.window_kind
                and units.first_on = cities.first_on
                and units.indicator_id = cities.indicator_id
                and units.part = cities.part
                and units.variant = cities.variant
        ),

        bounded as (
            select
                drawn.*,
                case when drawn.is_count then 10000 else 100 end as factor,
                {{ drawn_share('drawn.share', 'drawn.trials', 'drawn.mean_share', 'drawn.variance') }} as eb_share,
                {{ wilson_low('drawn.hits', 'drawn.trials') }} as low_share,
                {{ wilson_high('drawn.hits', 'drawn.trials') }} as high_share
            from drawn
        ),

        signed as (
            select
                bounded.*,
                bounded.division_code as unit_key,
                cast(
                    case when bounded.is_lower_better then - bounded.eb_share else bounded.eb_share end as decimal(
                        18, 8
                    )
                ) as merit
            from bounded
        ),

        rankable as (
            {{ rankable_groups(
        'signed', 'low_share', 'high_share', ['window_kind', 'first_on', 'indicator_id', 'part', 'variant']
    ) }}
        ),

        -- Where a unit stands, equal ones in the middle of their places: all equal have 50, and so have all where the
        -- item cannot tell them apart.
        pointed as (
            select
                signed.*,
                rankable.is_rankable,
                cast(
                    case when rankable.is_rankable then 100.0 else 0 end * (
                        percent_rank() over (
                            partition by
                                signed.window_kind, signed.first_on, signed.indicator_id, signed.part, signed.variant
                            order by signed.merit
                        )
                        + 1
                        - percent_rank() over (
                            partition by
                                signed.window_kind, signed.first_on, signed.indicator_id, signed.part, signed.variant
                            order by signed.merit desc
                        )
                    )
                    / 2
                    + case when rankable.is_rankable then 0 else 100.0 / 2 end as decimal(5, 1)
                ) as points
            from signed
            inner join
                rankable
                on signed.window_kind = rankable.window_kind
                and signed.first_on = rankable.first_on
                and signed.indicator_id = rankable.indicator_id
                and signed.part = rankable.part
                and signed.variant = rankable.variant
        ),

        scored as (
            select
                pointed.window_kind,
                pointed.first_on,
                pointed.division_code,
                cast(sum(pointed.weight * pointed.points) / sum(pointed.weight) as decimal(5, 1)) as score,
                count(*) as items_n,
                count(*) filter (where pointed.is_rankable) as rankable_items_n
            from pointed
            group by pointed.window_kind, pointed.first_on, pointed.division_code
        ),

        placed as (
            select
                scored.*,
                case
                    when scored.rankable_items_n > 0
                    then rank() over (partition by scored.window_kind, scored.first_on order by scored.score desc)
                end as rank_no
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
            when pointed.city_share between pointed.low_share and pointed.high_share or pointed.city_share is null
            then 0
            when (pointed.share > pointed.city_share) = pointed.is_lower_better
            then -1
            else 1
        end as verdict_no,
        pointed.is_rankable,
        pointed.points,
        placed.items_n,
        placed.rankable_items_n,
        placed.score,
        placed.rank_no
    from pointed
    inner join
        placed
        on pointed.window_kind = placed.window_kind
        and pointed.first_on = placed.first_on
        and pointed.division_code = placed.division_code
{% endmacro %}
