with
    delivered as (select source.* from {{ source('lake', 'readiness__drill') }} as source),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('drill|' || drill.drill_no) as drill_key,
    drill.drill_no,
    drill.drill as name_zh,
    replace(drill.event_code, 'O', '0') as event_code,
    drill_kind.drill_type,
    drill_kind.is_live,
    drill_kind.is_unannounced,
    drill.planned_on,
    {{ known_instant('drill.held_on') }} as held_on,
    drill.people_n as participants_n,
    drill.issues_n as problems_n,
    drill.fixed_n as problems_closed_n,

    coalesce(stated.division_code, root.division_code) as division_code,
    drill.ds as delivered_on,
    drill._landed_at as landed_at,
    drill._file as file_name,
    drill._record as record_no
from delivered as drill
cross join
    (select division.division_code from {{ ref('division') }} as division where division.parent_code is null) as root
left join stated on drill.area_code = stated.area_code
left join {{ ref('drill_kind') }} as drill_kind on drill.kind = drill_kind.source_kind
