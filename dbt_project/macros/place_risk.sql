{# Score and level of places out of their amounts (columns date_on, place_code, division_code, hazard_amount, lead_amount,
   events_n, residents_n, elderly80_n, floating_n, area_km2): full marks at the amounts of the seed std_place_risk_part, so that
   a score means the same on every day. Events are drawn to the city's rate: Marshall (1991), the global estimator. #}
{% macro place_risk(relation, full_at) -%}
    {%- set parts = ['hazard', 'event', 'lead', 'vulnerability'] -%}
    with
        sums as (
            select
                place.date_on,
                cast(sum(place.events_n) as double) / nullif(sum(place.residents_n), 0) as mean_rate,
                cast(sum(place.residents_n) as double) as residents_n,
                cast(
                    sum(
                        cast(
                            cast(place.events_n as double)
                            * place.events_n
                            / nullif(place.residents_n, 0) as decimal(24, 8)
                        )
                    ) as double
                ) as squares,
                count(*) as places_n
            from {{ relation }} as place
            where place.residents_n > 0
            group by place.date_on
        ),

        spread as (
            select
                sums.date_on,
                sums.mean_rate,
                greatest(
                    sums.squares / sums.residents_n
                    - sums.mean_rate * sums.mean_rate
                    - sums.mean_rate * sums.places_n / sums.residents_n,
                    0
                ) as variance
            from sums
        ),

        amounts as (
            select
                place.*,
                cast(
                    1000.0 * (
                        case
                            when place.residents_n > 0 and spread.variance > 0
                            then
                                spread.mean_rate
                                + (cast(place.events_n as double) / place.residents_n - spread.mean_rate)
                                * spread.variance
                                / (spread.variance + spread.mean_rate / place.residents_n)
                            else coalesce(spread.mean_rate, 0)
                        end
                    ) as decimal(12, 3)
                ) as event_amount,
                cast(
                    100.0 * (
                        least(
                            coalesce(100.0 * place.elderly80_n / nullif(place.residents_n, 0), 0)
                            / {{ threshold('risk_elderly_full_pct') }},
                            1
                        ) + least(
                            coalesce(100.0 * place.floating_n / nullif(place.residents_n, 0), 0)
                            / {{ threshold('risk_floating_full_pct') }},
                            1
                        )
                        + least(
                            coalesce(place.residents_n / nullif(place.area_km2, 0), 0)
                            / {{ threshold('risk_density_full') }},
                            1
                        )
                    )
                    / 3 as decimal(12, 3)
                ) as vulnerability_amount
            from {{ relation }} as place
            left join spread on place.date_on = spread.date_on
        ),

        given as (
            select
                map(list(part.part), list(part.{{ full_at }})) as full_at,
                map(list(part.part), list(part.weight)) as weight
            from {{ std_in_force('std_place_risk_part', ['part', 'valid_from']) }} as part
        ),

        marked as (
            select
                amounts.*,
                {% for part in parts -%}
                    cast(
                        100.0 * least(amounts.{{ part }}_amount / given.full_at['{{ part }}'], 1) as decimal(5, 1)
                    ) as {{ part }}_score,
                {% endfor -%}
                given.weight
            from amounts
            cross join given
        ),

        scored as (
            select
                marked.*,
                cast(
                    {% for part in parts -%}
                        marked.{{ part }}_score * marked.weight['{{ part }}']{{ ' +' if not loop.last }}
                    {% endfor -%} as decimal(5, 1)
                ) as risk_score
            from marked
        ),

        ranked as (
            select
                scored.*,
                cast(
                    100.0
                    * percent_rank() over (partition by scored.date_on order by scored.risk_score) as decimal(5, 1)
                ) as city_percentile,
                rank() over (partition by scored.date_on order by scored.risk_score desc) as rank_no
            from scored
        )

    select
        ranked.*,
        (
            select min(level.level_no)
            from {{ std_in_force('std_place_risk_level', ['level_no', 'valid_from']) }} as level
            where ranked.city_percentile >= 100 * level.percentile_from and ranked.risk_score >= level.score_from
        ) as level_no
    from ranked
{%- endmacro %}
