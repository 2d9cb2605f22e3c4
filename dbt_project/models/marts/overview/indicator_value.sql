{{ config(enabled=fed_by('grid', 'case')) }}
with
    tally as (
        select
            cast(null as varchar) as indicator_id,
            cast(null as varchar) as part,
            cast(null as varchar) as variant,
            cast(null as date) as day_on,
            cast(null as varchar) as division_code,
            cast(null as decimal(24, 6)) as numerator,
            cast(null as decimal(24, 6)) as denominator
        where false
        {% for name in indicator_models('tally') -%}
            union all
            select
                tally.indicator_id,
                tally.part,
                tally.variant,
                tally.day_on,
                tally.division_code,
                tally.numerator,
                tally.denominator
            from {{ ref(name) }} as tally
        {% endfor %}
    ),

    measure as (
        select
            cast(null as varchar) as indicator_id,
            cast(null as varchar) as part,
            cast(null as varchar) as variant,
            cast(null as varchar) as window_kind,
            cast(null as date) as first_on,
            cast(null as varchar) as scope,
            cast(null as varchar) as division_code,
            cast(null as double) as value,
            cast(null as decimal(24, 6)) as numerator,
            cast(null as decimal(24, 6)) as denominator
        where false
        {% for name in indicator_models('measure') -%}
            union all
            select
                measure.indicator_id,
                measure.part,
                measure.variant,
                measure.window_kind,
                measure.first_on,
                measure.scope,
                measure.division_code,
                measure.value,
                measure.numerator,
                measure.denominator
            from {{ ref(name) }} as measure
        {% endfor %}
    ),

    windows as ({{ indicator_windows() }}),

    span as (select min(feed.day_on) as first_on from {{ ref('feed_day') }} as feed),

    -- What a build can tell: parts somebody counts, for the divisions of which anything is delivered.
    parts as (
        select
            part.* replace (coalesce(part.variant, '') as variant),
            form.is_sum,
            form.is_share,
            form.is_per_resident,
            form.is_measured,
            form.needs_register,
            string_split(part.datasets, ' ') as dataset_names
        from {{ ref('indicator_part') }} as part
        inner join {{ ref('indicator_kind') }} as form on part.kind = form.kind
        where part.valid_from <= {{ as_of() }} and (part.valid_to is null or {{ as_of() }} < part.valid_to)
    ),

    divisions as ({{ indicator_places() }}),

    by_day as (
        select
            tally.indicator_id,
            tally.part,
            tally.variant,
            tally.day_on,
            scope.scope_code as division_code,
            sum(tally.numerator) as numerator,
            sum(tally.denominator) as denominator
        from tally
        inner join {{ ref('bridge_division_scope') }} as scope on tally.division_code = scope.division_code
        group by tally.indicator_id, tally.part, tally.variant, tally.day_on, scope.scope_code
    ),

    summed as (
        select
            by_day.indicator_id,
            by_day.part,
            by_day.variant,
            windows.window_kind,
            windows.first_on,
            by_day.division_code,
            sum(by_day.numerator) as numerator,
            sum(by_day.denominator) as denominator
        from by_day
        inner join windows on by_day.day_on >= windows.first_on and by_day.day_on <= windows.last_on
        group by
            by_day.indicator_id,
            by_day.part,
            by_day.variant,
            windows.window_kind,
            windows.first_on,
            by_day.division_code
    ),

    -- A part nobody counted anything of is 0 in every window, and a share without anything to divide by is NULL.
    counted as (
        select
            parts.indicator_id,
            parts.part,
            parts.variant,
            windows.window_kind,
            windows.first_on,
            divisions.scope,
            divisions.division_code,
            coalesce(summed.numerator, 0) as numerator,
            case
                when parts.is_share
                then coalesce(summed.denominator, 0)
                when parts.is_per_resident
                then divisions.resident_population_n
            end as denominator,
            parts.is_sum,
            parts.factor
        from parts
        inner join
            (select distinct indicator_id, part, variant from tally) as held
            on parts.indicator_id = held.indicator_id
            and parts.part = held.part
            and parts.variant = held.variant
        inner join windows on list_contains(string_split(parts.windows, ' '), windows.window_kind)
        inner join divisions on list_contains(string_split(parts.scopes, ' '), divisions.scope)
        left join
            summed
            on parts.indicator_id = summed.indicator_id
            and parts.part = summed.part
            and parts.variant = summed.variant
            and windows.window_kind = summed.window_kind
            and windows.first_on = summed.first_on
            and divisions.division_code = summed.division_code
    ),

    feeds as (
        select substr(delivery.dataset, length(parameter.city) + 2) as dataset_name, min(delivery.period_on) as first_on
        from {{ source('lake_build', 'deliveries') }} as delivery
        cross join {{ source('lake_build', 'parameters') }} as parameter
        where delivery.came_on is not null
        group by delivery.dataset, parameter.city
    ),

    -- What was delivered of a part reaches back as far as the shortest of its datasets.
    begun as (
        select part.indicator_id, part.part, part.variant, max(feeds.first_on) as first_on
        from
            (
                select parts.indicator_id, parts.part, parts.variant, unnest(parts.dataset_names) as dataset_name
                from parts
            ) as part
        inner join feeds on part.dataset_name = feeds.dataset_name
        group by part.indicator_id, part.part, part.variant
    ),

    told as (
        select
            counted.indicator_id,
            counted.part,
            counted.variant,
            counted.window_kind,
            counted.first_on,
            counted.scope,
            counted.division_code,
            case
                when counted.is_sum
                then cast(counted.numerator as double)
                else cast(counted.numerator as double) * counted.factor / nullif(cast(counted.denominator as double), 0)
            end as value,
            counted.numerator,
            counted.denominator,
            true as is_told
        from counted
        union all
        select measure.*, true as is_told
        from measure
        union all
        -- Nothing to measure is NULL and no missing row, nor is what nothing that was delivered tells.
        select
            parts.indicator_id,
            parts.part,
            parts.variant,
            windows.window_kind,
            windows.first_on,
            divisions.scope,
            divisions.division_code,
            cast(null as double) as value,
            cast(null as decimal(24, 6)) as numerator,
            cast(null as decimal(24, 6)) as denominator,
            held.part is not null as is_told
        from parts
        left join
            (select distinct indicator_id, part, variant from measure) as held
            on parts.indicator_id = held.indicator_id
            and parts.part = held.part
            and parts.variant = held.variant
        inner join windows on list_contains(string_split(parts.windows, ' '), windows.window_kind)
        inner join divisions on list_contains(string_split(parts.scopes, ' '), divisions.scope)
        anti join
            measure
            on parts.indicator_id = measure.indicator_id
            and parts.part = measure.part
            and parts.variant = measure.variant
            and windows.window_kind = measure.window_kind
            and windows.first_on = measure.first_on
            and divisions.division_code = measure.division_code
        anti join
            tally
            on parts.indicator_id = tally.indicator_id
            and parts.part = tally.part
            and parts.variant = tally.variant
        where parts.needs_register or list_has_any(parts.dataset_names, (select list(feeds.dataset_name) from feeds))
    ),

    -- Deliveries that were due for a window and never came, or are held back.
    missing as (
        select delivery.dataset, delivery.period_on, delivery.ends_on
        from {{ source('lake_build', 'deliveries') }} as delivery
        where delivery.came_on is null
        union all
        select day.dataset, day.day_on as period_on, day.day_on as ends_on
        from {{ ref('data_day') }} as day
        where day.is_held
    ),

    gaps as (
        select
            parts.indicator_id, parts.part, parts.variant, windows.window_kind, windows.first_on, count(*) as missing_n
        from parts
        cross join windows
        cross join {{ source('lake_build', 'parameters') }} as parameter
        inner join
            missing
            on list_contains(parts.dataset_names, substr(missing.dataset, length(parameter.city) + 2))
            and missing.period_on <= windows.last_on
            and missing.ends_on >= windows.first_on
        group by all
    ),

    -- Facts that count for a window, or may, and of which what counts is not known. A register counts on the last day.
    unknown as (
        select
            cast(null as varchar) as indicator_id,
            cast(null as varchar) as part,
            cast(null as varchar) as variant,
            cast(null as date) as from_on,
            cast(null as date) as until_on,
            cast(null as varchar) as division_code,
            cast(null as boolean) as is_own,
            cast(null as bigint) as facts_n
        where false
        {% for name in indicator_models('unknown') -%}
            union all
            select unknown.*
            from {{ ref(name) }} as unknown
        {% endfor %}
    ),

    doubts as (
        select
            unknown.indicator_id,
            unknown.part,
            unknown.variant,
            windows.window_kind,
            windows.first_on,
            scope.scope_code as division_code,
            cast(sum(unknown.facts_n) as bigint) as unknown_n
        from unknown
        inner join
            parts
            on unknown.indicator_id = parts.indicator_id
            and unknown.part = parts.part
            and unknown.variant = parts.variant
        inner join
            windows
            on unknown.from_on <= windows.last_on
            and unknown.until_on >= case when parts.needs_register then windows.last_on else windows.first_on end
        inner join
            {{ ref('bridge_division_scope') }} as scope
            on unknown.division_code is not distinct from scope.division_code
        where not unknown.is_own or unknown.division_code = scope.scope_code
        group by
            unknown.indicator_id, unknown.part, unknown.variant, windows.window_kind, windows.first_on, scope.scope_code
    )

select
    told.indicator_id,
    told.part,
    told.variant,
    parts.version,
    told.window_kind,
    told.first_on,
    windows.last_on,
    told.scope,
    told.division_code,
    told.value,
    cast(told.numerator as decimal(24, 6)) as numerator,
    cast(told.denominator as decimal(24, 6)) as denominator,
    coalesce(gaps.missing_n, 0) as missing_n,
    coalesce(doubts.unknown_n, 0) as unknown_n,
    windows.first_on - parts.lookback_days >= coalesce(begun.first_on, span.first_on) as reaches_back,
    windows.last_on + parts.settle_days <= {{ as_of() }} as is_settled,
    coalesce(gaps.missing_n, 0) = 0
    and coalesce(doubts.unknown_n, 0) = 0
    and windows.first_on - parts.lookback_days >= coalesce(begun.first_on, span.first_on)
    and windows.last_on + parts.settle_days <= {{ as_of() }}
    and told.is_told
    and not (parts.needs_register and told.value is null) as is_complete
from told
inner join parts on told.indicator_id = parts.indicator_id and told.part = parts.part and told.variant = parts.variant
inner join windows on told.window_kind = windows.window_kind and told.first_on = windows.first_on
cross join span
left join
    gaps
    on told.indicator_id = gaps.indicator_id
    and told.part = gaps.part
    and told.variant = gaps.variant
    and told.window_kind = gaps.window_kind
    and told.first_on = gaps.first_on
left join begun on told.indicator_id = begun.indicator_id and told.part = begun.part and told.variant = begun.variant
left join
    doubts
    on told.indicator_id = doubts.indicator_id
    and told.part = doubts.part
    and told.variant = doubts.variant
    and told.window_kind = doubts.window_kind
    and told.first_on = doubts.first_on
    and told.division_code = doubts.division_code
