with rule as (
    select
        rule.rule_id,
        cast(rule.window_months as bigint) as window_months,
        rule.crashes_min_n,
        cast({{ threshold('blackspot_recent_months') }} as bigint) as recent_months
    from {{ ref('std_blackspot_rule') }} as rule
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
    cross join (
        select max(feed.day_on) + 1 as until_on
        from {{ ref('feed_day') }} as feed
        where feed.subject = 'crash' and feed.is_in
    ) as newest
),

sites as (
    select
        crash.site_key,
        span.rule_id,
        span.crashes_min_n,
        span.until_on,
        min(crash.site_name) as site_name,
        -- The middle crash stands for the place: one wrong coordinate cannot move it.
        quantile_disc(crash.latitude, 0.5) as latitude,
        quantile_disc(crash.longitude, 0.5) as longitude,
        count(*) as crashes_36m_n,
        count(*) filter (where crash.occurred_on >= span.recent_on) as crashes_12m_n,
        count(*) filter (where crash.occurred_on >= span.previous_on and crash.occurred_on < span.recent_on)
            as crashes_previous_12m_n
    from {{ ref('fct_traffic_crash') }} as crash
    inner join span on crash.occurred_on >= span.starts_on and crash.occurred_on < span.until_on
    where crash.site_key is not null
    group by crash.site_key, span.rule_id, span.crashes_min_n, span.until_on
),

-- A junction on a border belongs to the division in which most of its crashes lie.
votes as (
    select
        crash.site_key,
        crash.division_code,
        row_number() over (
            partition by crash.site_key
            order by count(*) desc, crash.division_code
        ) as choice_no
    from {{ ref('fct_traffic_crash') }} as crash
    inner join span on crash.occurred_on >= span.starts_on and crash.occurred_on < span.until_on
    where crash.site_key is not null and crash.division_code is not null
    group by crash.site_key, crash.division_code
),

placed as (
    select
        sites.*,
        votes.division_code
    from sites
    left join votes on sites.site_key = votes.site_key and votes.choice_no = 1
),

-- Empirical Bayes over the junctions of the same division: a count is drawn to its neighbours' mean, the more so the
-- less the counts scatter beyond chance. Out of whole-number sums, so every run gives the same digits.
peers as (
    select
        placed.rule_id,
        placed.division_code,
        cast(count(*) as double) as n,
        cast(sum(placed.crashes_36m_n) as double) as sum_n,
        cast(sum(placed.crashes_36m_n * placed.crashes_36m_n) as double) as sum_squares_n
    from placed
    group by placed.rule_id, placed.division_code
),

moments as (
    select
        peers.rule_id,
        peers.division_code,
        peers.sum_n / peers.n as mean_n,
        case when peers.n > 1 then (peers.n * peers.sum_squares_n - peers.sum_n * peers.sum_n) / (peers.n * (peers.n - 1)) end
            as variance_n
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
    inner join moments
        on placed.rule_id = moments.rule_id and placed.division_code is not distinct from moments.division_code
)

select
    {{ as_of() }} as as_of_on,
    shrunk.site_key,
    shrunk.division_code,
    shrunk.site_name as name,
    shrunk.latitude,
    shrunk.longitude,
    shrunk.crashes_36m_n,
    shrunk.crashes_12m_n,
    shrunk.crashes_previous_12m_n,
    shrunk.rule_id,
    cast(shrunk.eb_n as decimal(12, 3)) as eb_rate,
    row_number() over (
        order by cast(shrunk.eb_n as decimal(12, 3)) desc, shrunk.crashes_12m_n desc, shrunk.site_key
    ) as rank_no,
    cast(shrunk.until_on - 1 as date) as counted_until_on
from shrunk
where shrunk.crashes_36m_n >= shrunk.crashes_min_n
