{{ config(enabled=fed_by(
    'grid', 'case', 'flood_depth_hour', 'component', 'site', 'equipment', 'estate', 'gas_check', 'command_lead', 'stock',
    'rescue_team', 'shelter'
)) }}
-- Quantiles as quantile_cont takes them; their share is a threshold and no constant.
with
    sorted as (
        select
            measure.measure,
            list(measure.value order by measure.value) as measured,
            cast((count(*) - 1) * {{ threshold('stress_tail') }} as decimal(18, 6)) as at_low
        from {{ ref('community_measure') }} as measure
        group by measure.measure
    ),

    bounds as (
        select
            sorted.measure,
            sorted.measured[cast(floor(sorted.at_low) as bigint) + 1]
            + (sorted.at_low - floor(sorted.at_low))
            * (
                sorted.measured[cast(ceil(sorted.at_low) as bigint) + 1]
                - sorted.measured[cast(floor(sorted.at_low) as bigint) + 1]
            ) as low,
            sorted.measured[-1 - cast(floor(sorted.at_low) as bigint)]
            - (sorted.at_low - floor(sorted.at_low))
            * (
                sorted.measured[-1 - cast(floor(sorted.at_low) as bigint)]
                - sorted.measured[-1 - cast(ceil(sorted.at_low) as bigint)]
            ) as high
        from sorted
    ),

    scaled as (
        select
            measure.community_code,
            measure.measure,
            measure.value,
            cast(
                case
                    -- A measure that does not tell communities apart says nothing.
                    when bounds.high <= bounds.low
                    then 0.5
                    else least(greatest((measure.value - bounds.low) / (bounds.high - bounds.low), 0), 1)
                end as decimal(9, 6)
            ) as share
        from {{ ref('community_measure') }} as measure
        inner join bounds on measure.measure = bounds.measure
    ),

    communities as (
        select distinct measure.community_code, measure.division_code, measure.residents_n, measure.households_n
        from {{ ref('community_measure') }} as measure
    ),

    terms as (
        select
            communities.community_code,
            term.shock_key,
            term.role,
            -- What is not known of a community is taken for middling.
            sum(
                case
                    when scaled.share is null
                    then cast(0.5 as decimal(9, 6))
                    when term.is_more
                    then scaled.share
                    else 1 - scaled.share
                end
            )
            / count(*) as share,
            string_agg(
                term.measure || '=' || coalesce(cast(cast(scaled.value as decimal(18, 2)) as varchar), '?'),
                '; '
                order by term.measure
            ) as raw_zh
        from communities
        cross join {{ std_in_force('std_stress_term', ['shock_key', 'role', 'measure', 'valid_from']) }} as term
        left join scaled on communities.community_code = scaled.community_code and term.measure = scaled.measure
        group by communities.community_code, term.shock_key, term.role
    ),

    losses as (
        select
            terms.community_code,
            terms.shock_key,
            map(list(terms.role), list(terms.share)) as shares,
            map(list(terms.role), list(terms.raw_zh)) as raws
        from terms
        group by terms.community_code, terms.shock_key
    ),

    counted as (
        select
            losses.*,
            cast(losses.shares['exposure'] as decimal(6, 4)) as exposure,
            cast(losses.shares['vulnerability'] as decimal(6, 4)) as vulnerability,
            cast(losses.shares['capacity'] as decimal(6, 4)) as capacity
        from losses
    ),

    graded as (
        select
            counted.*,
            cast(counted.exposure * counted.vulnerability * (1 - counted.capacity) as decimal(6, 4)) as loss,
            percent_rank() over (
                partition by counted.shock_key
                order by cast(counted.exposure * counted.vulnerability * (1 - counted.capacity) as decimal(6, 4))
            ) as place
        from counted
    ),

    quartered as (select graded.*, cast(least(floor(graded.place * 4) + 1, 4) as integer) as quartile_no from graded)

select
    {{ as_of() }} as as_of_on,
    quartered.community_code,
    communities.division_code,
    quartered.shock_key,
    shock.name_zh as shock_zh,
    communities.residents_n,
    communities.households_n,
    quartered.exposure,
    quartered.vulnerability,
    quartered.capacity,
    quartered.loss,
    quartered.quartile_no,
    (
        select min(level.level_no)
        from {{ std_in_force('std_stress_level', ['level_no', 'valid_from']) }} as level
        where quartered.quartile_no >= level.quartile_from and quartered.loss >= level.loss_from
    ) as level_no,
    rank() over (partition by quartered.shock_key order by quartered.loss desc) as rank_no,
    quartered.raws['exposure'] as exposure_raw,
    quartered.raws['vulnerability'] as vulnerability_raw,
    quartered.raws['capacity'] as capacity_raw
from quartered
inner join communities on quartered.community_code = communities.community_code
inner join
    {{ std_in_force('std_stress_shock', ['shock_key', 'valid_from']) }} as shock
    on quartered.shock_key = shock.shock_key
