{{ config(enabled=fed_by('river_patrol')) }}
select
    md5('river_patrol|' || patrol.patrol_no) as patrol_key,
    patrol.patrol_no,
    patrol.began_at,
    patrol.date_on,
    patrol.ended_at,
    patrol.river,
    patrol.chief_level_zh,
    patrol.division_code,
    patrol.latitude,
    patrol.longitude,
    patrol.distance_km,
    patrol.distance_km is null as is_at_desk,
    patrol.findings_n,
    patrol.finding_zh
from {{ ref('input_river_patrol') }} as patrol
