{{ config(enabled=fed_by('opinion')) }}
select
    post.topic_key,
    post.topic_zh,
    post.channel,
    post.date_on,
    post.division_code,
    post.is_outside,
    cast(sum(post.posts_n) as bigint) as posts_n,
    cast(sum(post.comments_n) as bigint) as comments_n,
    cast(
        sum(post.negative_share_pct * post.posts_n) / nullif(sum(post.posts_n), 0) as decimal(6, 2)
    ) as negative_share_pct,
    cast(sum(post.heat) as bigint) as heat
from {{ ref('input_opinion') }} as post
group by post.topic_key, post.topic_zh, post.channel, post.date_on, post.division_code, post.is_outside
