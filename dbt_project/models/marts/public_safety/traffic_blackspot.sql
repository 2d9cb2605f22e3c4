-- What the feed tells decides which clauses can be served: with casualties and places on roads those by severity, along
-- the road; without them the one that counts crashes at a junction.
with
    feed_tells as (
        select coalesce(bool_or(crash.deaths_n is not null and crash.stake_km is not null), false) as has_casualties
        from {{ ref('fct_traffic_crash') }} as crash
    ),

    rule as (
        select
            rule.rule_id,
            rule.level_no,
            rule.window_m,
            cast(rule.window_months as bigint) as window_months,
            rule.crashes_min_n,
            cast({{ threshold('blackspot_recent_months') }} as bigint) as recent_months
        from {{ ref('std_blackspot_rule') }} as rule
        inner join feed_tells on coalesce(rule.needs_casualties_feed, false) = feed_tells.has_casualties
        where
            rule.is_applied
            and rule.valid_from <= {{ as_of() }}
            and (rule.valid_to is null or {{ as_of() }} < rule.valid_to)
    ),

    -- Half-open in civil days: the windows end with the last day the traffic police have delivered, not with as_of.
    span as (
        select
            rule.*,
            newest.until_on,
            cast(newest.until_on - to_months(rule.window_months) as date) as starts_on,
            cast(newest.until_on - to_months(rule.recent_months) as date) as recent_on,
            cast(newest.until_on - to_months(rule.recent_months) - to_months(rule.recent_months) as date) as previous_on
        from rule
        cross join
            (
                select max(feed.day_on) + 1 as until_on
                from {{ ref('feed_day') }} as feed
                where feed.subject = 'crash' and feed.is_in
            ) as newest
    ),

    -- Places are junctions where the clause has no length, and stretches of road where it has one.
    months as (
        select distinct span.window_months, span.starts_on, span.until_on from span where span.window_m is not null
    ),

    road_crashes as (
        select months.window_months as span_key, months.window_months, crash.*
        from {{ ref('crash_on_road') }} as crash
        inner join months on crash.occurred_on >= months.starts_on and crash.occurred_on < months.until_on
    ),

    stretches as ({{ road_stretches('road_crashes', by_clause=true) }}),

    members as (
        select
            crash.site_key,
            crash.site_name,
            span.rule_id,
            crash.crash_key,
            crash.division_code,
            crash.occurred_on,
            crash.latitude,
            crash.longitude,
            cast(null as varchar) as road_code,
            cast(null as bigint) as from_m,
            cast(null as bigint) as to_m,
            crash.deaths_n,
            crash.is_fatal,
            crash.is_casualty,
            cast(null as decimal(9, 3)) as epdo
        from {{ ref('fct_traffic_crash') }} as crash
        inner join
            span on span.window_m is null and crash.occurred_on >= span.starts_on and crash.occurred_on < span.until_on
        where crash.site_key is not null
        union all
        select
            md5('stretch|' || stretches.road_code || '|' || stretches.from_m || '|' || stretches.level_no) as site_key,
            crash.road_name
            || ' K'
            || {{ km_text('stretches.from_m') }}
            || '–K'
            || {{ km_text('stretches.to_m') }} as site_name,
            stretches.rule_id,
            crash.crash_key,
            crash.division_code,
            crash.occurred_on,
            crash.latitude,
            crash.longitude,
            stretches.road_code,
            stretches.from_m,
            stretches.to_m,
            crash.deaths_n,
            crash.is_fatal,
            crash.is_casualty,
            crash.epdo
        from stretches
        inner join
            road_crashes as crash
            on stretches.span_key = crash.span_key
            and stretches.road_code = crash.road_code
            and {{ metres_of('crash.stake_km') }} between stretches.from_m and stretches.to_m
    ),

    sites as (
        select
            members.site_key,
            span.rule_id,
            span.level_no,
            span.crashes_min_n,
            span.until_on,
            members.road_code,
            members.from_m,
            members.to_m,
            min(members.site_name) as site_name,
            -- The middle crash stands for the place: one wrong coordinate cannot move it.
            quantile_disc(members.latitude, 0.5) as latitude,
            quantile_disc(members.longitude, 0.5) as longitude,
            count(*) as crashes_36m_n,
            count(*) filter (where members.occurred_on >= span.recent_on) as crashes_12m_n,
            count(*) filter (
                where members.occurred_on >= span.previous_on and members.occurred_on < span.recent_on
            ) as crashes_previous_12m_n,
            sum(members.deaths_n) as deaths_36m_n,
            case when count(members.is_fatal) > 0 then count(*) filter (where members.is_fatal) end as fatal_36m_n,
            case
                when count(members.is_casualty) > 0 then count(*) filter (where members.is_casualty)
            end as casualty_36m_n,
            sum(members.epdo) as epdo_36m
        from members
        inner join span on members.rule_id = span.rule_id
        group by
            members.site_key,
            span.rule_id,
            span.level_no,
            span.crashes_min_n,
            span.until_on,
            members.road_code,
            members.from_m,
            members.to_m
    ),

    -- A place on a border belongs to the division in which most of its crashes lie.
    votes as (
        select
            members.site_key,
            members.division_code,
            row_number() over (partition by members.site_key order by count(*) desc, members.division_code) as choice_no
        from members
        where members.division_code is not null
        group by members.site_key, members.division_code
    ),

    placed as (
        select sites.*, votes.division_code
        from sites
        left join votes on sites.site_key = votes.site_key and votes.choice_no = 1
    ),

    -- Empirical Bayes over the places of the same division, junctions or stretches laid end to end: a count is drawn to
    -- its neighbours' mean, the more so the less the counts scatter beyond chance. Out of whole-number sums, so every
    -- run gives the same digits.
    neighbours as (
        select placed.rule_id, placed.division_code, placed.crashes_36m_n
        from placed
        where placed.from_m is null
        union all
        select span.rule_id, crash.division_code, count(*) as crashes_36m_n
        from road_crashes as crash
        inner join span on crash.window_months = span.window_months and span.window_m is not null
        where crash.road_code is not null and crash.stake_km is not null
        group by
            span.rule_id,
            crash.division_code,
            crash.road_code,
            cast(floor({{ metres_of('crash.stake_km') }} / span.window_m) as bigint)
    ),

    peers as (
        select
            neighbours.rule_id,
            neighbours.division_code,
            cast(count(*) as double) as n,
            cast(sum(neighbours.crashes_36m_n) as double) as sum_n,
            cast(sum(neighbours.crashes_36m_n * neighbours.crashes_36m_n) as double) as sum_squares_n
        from neighbours
        group by neighbours.rule_id, neighbours.division_code
    ),

    moments as (
        select
            peers.rule_id,
            peers.division_code,
            peers.sum_n / peers.n as mean_n,
            case
                when peers.n > 1
                then (peers.n * peers.sum_squares_n - peers.sum_n * peers.sum_n) / (peers.n * (peers.n - 1))
            end as variance_n
        from peers
    ),

    shrunk as (
        select
            placed.*,
            case
                when moments.variance_n > moments.mean_n
                then
                    moments.mean_n / moments.variance_n * moments.mean_n
                    + (1 - moments.mean_n / moments.variance_n) * placed.crashes_36m_n
                else moments.mean_n
            end as eb_n
        from placed
        inner join
            moments
            on placed.rule_id = moments.rule_id
            and placed.division_code is not distinct from moments.division_code
    )

select
    {{ as_of() }} as as_of_on,
    shrunk.site_key,
    shrunk.division_code,
    shrunk.site_name as name,
    shrunk.latitude,
    shrunk.longitude,
    shrunk.road_code,
    cast({{ km_of('shrunk.from_m') }} as decimal(9, 3)) as from_km,
    cast({{ km_of('shrunk.to_m') }} as decimal(9, 3)) as to_km,
    shrunk.crashes_36m_n,
    shrunk.crashes_12m_n,
    shrunk.crashes_previous_12m_n,
    shrunk.casualty_36m_n,
    shrunk.fatal_36m_n,
    cast(shrunk.deaths_36m_n as bigint) as deaths_36m_n,
    cast(shrunk.epdo_36m as decimal(18, 3)) as epdo_36m,
    shrunk.rule_id,
    shrunk.level_no,
    cast(shrunk.eb_n as decimal(12, 3)) as eb_rate,
    row_number() over (
        order by cast(shrunk.eb_n as decimal(12, 3)) desc, shrunk.crashes_12m_n desc, shrunk.site_key
    ) as rank_no,
    cast(shrunk.until_on - 1 as date) as counted_until_on
from shrunk
where shrunk.from_m is not null or shrunk.crashes_36m_n >= shrunk.crashes_min_n
