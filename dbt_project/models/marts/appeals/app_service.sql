{{ config(enabled=fed_by('service_item', 'service_rating')) }}
with
    services as (
        select
            cast(date_trunc('month', service.applied_on) as date) as month_on,
            service.item_code,
            any_value(service.item_zh) as item_zh,
            count(*) as applied_n,
            count(*) filter (where service.is_done) as done_n,
            count(*) filter (where service.is_refused) as refused_n,
            quantile_cont(date_diff('second', service.applied_at, service.finished_at), 0.5) / 3600.0 as hours_p50,
            quantile_cont(date_diff('second', service.applied_at, service.finished_at), 0.9) / 3600.0 as hours_p90
        from {{ ref('fct_service_item') }} as service
        group by 1, service.item_code
    ),

    ratings as (
        select
            cast(date_trunc('month', rating.rated_on) as date) as month_on,
            rating.item_code,
            count(*) as ratings_n,
            count(*) filter (where rating.is_default_score) as default_n,
            count(*) filter (where not rating.is_default_score) as given_n,
            cast(sum(rating.score_no) filter (where not rating.is_default_score) as bigint) as points_n
        from {{ ref('fct_service_rating') }} as rating
        group by 1, rating.item_code
    )

select
    services.month_on,
    services.item_code as service_code,
    services.item_zh as service_zh,
    services.applied_n,
    services.done_n,
    services.refused_n,
    cast(100.0 * services.done_n / services.applied_n as decimal(6, 2)) as done_pct,
    cast(services.hours_p50 as decimal(12, 2)) as hours_p50,
    cast(services.hours_p90 as decimal(12, 2)) as hours_p90,
    coalesce(ratings.ratings_n, 0) as ratings_n,
    coalesce(ratings.given_n, 0) as given_n,
    cast(100.0 * ratings.default_n / nullif(ratings.ratings_n, 0) as decimal(6, 2)) as default_pct,
    cast(ratings.points_n / nullif(ratings.given_n, 0) as decimal(4, 2)) as rating_mean
from services
left join ratings on services.month_on = ratings.month_on and services.item_code = ratings.item_code
