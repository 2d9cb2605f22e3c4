with
    delivered as (
        select source.*, source.township_code as area_code from {{ source('lake', 'app__rating') }} as source
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('rating|' || rating.rating_no) as rating_key,
    rating.rating_no,
    md5('service|' || rating.service_no) as item_key,
    rating.item_code,
    rating.score as score_no,
    rating.rated_at,
    rating.updated_at as version_at,

    coalesce(stated.division_code, root.division_code) as division_code,
    rating.ds as delivered_on,
    rating._landed_at as landed_at,
    rating._file as file_name,
    rating._record as record_no
from delivered as rating
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on rating.area_code = stated.area_code
