with
    delivered as (select source.* from {{ source('lake', 'readiness__team') }} as source),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('team|' || team.team_no) as resource_key,
    team.team_no,
    team.team as name_zh,
    team.resource_code,
    nullif(team.people_n, 0) as people_n,
    {{ known_coordinate('least(team.lat, team.lng)') }} as latitude,
    {{ known_coordinate('greatest(team.lat, team.lng)') }} as longitude,

    coalesce(stated.division_code, root.division_code) as division_code,
    team.ds as delivered_on,
    team._landed_at as landed_at,
    team._file as file_name,
    team._record as record_no
from delivered as team
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on team.area_code = stated.area_code
