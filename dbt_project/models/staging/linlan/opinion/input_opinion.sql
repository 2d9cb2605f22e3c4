with
    delivered as (
        select
            source.* exclude (area_code),
            source.area_code as county_code,
            coalesce(source.township_code, source.area_code) as area_code
        from {{ source('lake', 'opinion__topic_day') }} as source
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    post.record_id,
    post.topic_id,
    post.topic as topic_zh,
    -- A topic that was split or merged keeps its words.
    md5('topic|' || post.topic) as topic_key,
    post.channel,
    post.stat_on as date_on,
    post.posts_n,
    post.comments_n,
    cast(
        case when post.negative_share > 1 then post.negative_share else post.negative_share * 100 end as decimal(6, 2)
    ) as negative_share_pct,
    post.heat,
    coalesce(outside.is_outside, false) as is_outside,

    coalesce(stated.division_code, root.division_code) as division_code,
    post.ds as delivered_on,
    post._landed_at as landed_at,
    post._file as file_name,
    post._record as record_no
from delivered as post
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on post.area_code = stated.area_code
left join {{ ref('opinion_area') }} as outside on post.county_code = outside.area_code
