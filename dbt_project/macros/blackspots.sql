{# Stretches of road that fulfil a clause of the rule for black spots. `crashes` has span_key, crash_key and the columns of
   crash_on_road; a stretch begins at a crash and takes those of the next `window_m` metres. Of stretches of one level that
   overlap the one with the highest EPDO stays: a stretch is dropped when a better one begins within its length.
   `by_clause`: the span is that of the clause itself, whose months `crashes` has in window_months. #}
{% macro road_stretches(crashes, by_clause=false) -%}
    with
        located as (
            select
                crash.span_key,
                {% if by_clause -%} crash.window_months, {%- endif %}
                crash.road_code,
                {{ metres_of('crash.stake_km') }} as from_m,
                crash.crash_key,
                crash.deaths_n,
                crash.is_casualty,
                crash.is_road_factor,
                crash.is_general,
                crash.epdo
            from {{ crashes }} as crash
            where crash.road_code is not null and crash.stake_km is not null
        ),

        clauses as (
            select rule.*
            from {{ ref('std_blackspot_rule') }} as rule
            where
                rule.is_applied
                and rule.window_m is not null
                and rule.valid_from <= {{ as_of() }}
                and (rule.valid_to is null or {{ as_of() }} < rule.valid_to)
        ),

        -- Crashes at one place count together.
        points as (
            select
                located.span_key,
                located.road_code,
                located.from_m,
                clauses.rule_id,
                clauses.level_no,
                clauses.window_m,
                clauses.crashes_min_n,
                count(*) filter (
                    where
                        located.deaths_n >= clauses.deaths_min_n
                        and (located.is_casualty or not clauses.needs_casualty)
                        and (located.is_road_factor or not clauses.needs_road_factor)
                        and (located.is_general or not clauses.needs_general)
                ) as counted_n,
                sum(located.epdo) as epdo
            from located
            {% if by_clause -%} inner join clauses on located.window_months = clauses.window_months
            {%- else -%} cross join clauses
            {%- endif %}
            group by
                located.span_key,
                located.road_code,
                located.from_m,
                clauses.rule_id,
                clauses.level_no,
                clauses.window_m,
                clauses.crashes_min_n
        ),

        windows as (
            select
                points.span_key,
                points.road_code,
                points.from_m,
                points.rule_id,
                points.level_no,
                points.window_m,
                points.crashes_min_n,
                sum(points.counted_n) over stretch as counted_n,
                sum(points.epdo) over stretch as epdo
            from points
            window
                stretch as (
                    partition by points.span_key, points.road_code, points.rule_id
                    order by points.from_m
                    range between current row and points.window_m following
                )
        ),

        fitting as (
            select
                windows.span_key,
                windows.level_no,
                windows.road_code,
                windows.from_m,
                windows.window_m,
                min(windows.rule_id) as rule_id,
                max(windows.epdo) as epdo
            from windows
            where windows.counted_n >= windows.crashes_min_n
            group by windows.span_key, windows.level_no, windows.road_code, windows.from_m, windows.window_m
        ),

        -- One after the other, the best first: each stays unless one that stays begins within its length.
        kept as (
            select
                fitting.span_key,
                fitting.level_no,
                fitting.road_code,
                list_reduce(
                    list(
                        [{'from_m':fitting.from_m, 'window_m':fitting.window_m}]
                        order by fitting.epdo desc, fitting.from_m
                    ),
                    (taken, next) -> case
                        when
                            list_bool_or(
                                list_transform(taken, one -> abs(one.from_m - next[1].from_m) <= next[1].window_m)
                            )
                        then taken
                        else list_concat(taken, next)
                    end
                ) as stretches
            from fitting
            group by fitting.span_key, fitting.level_no, fitting.road_code
        ),

        apart as (
            select kept.span_key, kept.level_no, kept.road_code, unnest(kept.stretches).from_m as from_m from kept
        )

    select
        fitting.span_key,
        fitting.level_no,
        fitting.rule_id,
        fitting.road_code,
        fitting.from_m,
        fitting.from_m + fitting.window_m as to_m,
        fitting.epdo
    from apart
    inner join
        fitting
        on apart.span_key = fitting.span_key
        and apart.level_no = fitting.level_no
        and apart.road_code = fitting.road_code
        and apart.from_m = fitting.from_m
{%- endmacro %}
