with
    delivered as (
        select source.*, source.township_code as area_code from {{ source('lake', 'petition__petition') }} as source
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('petition|' || petition.petition_no) as petition_key,
    petition.petition_no,
    petition.registered_on as received_on,
    petition_form.form,
    petition_form.is_visit,
    petition.persons_n,
    petition_repeat.is_first,
    petition_level.level_no,
    petition.category as category_zh,
    petition.topic as topic_zh,

    coalesce(stated.division_code, root.division_code) as division_code,
    petition.ds as delivered_on,
    petition._landed_at as landed_at,
    petition._file as file_name,
    petition._record as record_no
from delivered as petition
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on petition.area_code = stated.area_code
left join {{ ref('petition_form') }} as petition_form on petition.form = petition_form.source_form
left join {{ ref('petition_repeat') }} as petition_repeat on petition.repeat_mark = petition_repeat.source_mark
left join {{ ref('petition_level') }} as petition_level on petition.level = petition_level.source_level
