with
    delivered as (select source.* from {{ source('lake', 'assessment__survey') }} as source),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('survey|' || answer.interview_no) as response_key,
    answer.interview_no,
    answer.period as survey_key,
    answer.interviewed_on as answered_on,
    answer.safety_score,
    answer.satisfaction_score,
    answer.weight,
    answer.age_band,
    answer.way,

    coalesce(stated.division_code, root.division_code) as division_code,
    answer.ds as delivered_on,
    answer._landed_at as landed_at,
    answer._file as file_name,
    answer._record as record_no
from delivered as answer
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on answer.area_code = stated.area_code
