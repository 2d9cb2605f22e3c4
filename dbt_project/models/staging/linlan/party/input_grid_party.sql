select
    coalesce(number.grid_id, said.grid_id) as grid_id,
    place.division_code,
    said.ds as month_on,
    word.has_party as says_party,
    said.party_name is not null as is_named,
    said.founded_on,
    said.members_n,
    said.ds as delivered_on,
    said._landed_at as landed_at,
    said._file as file_name,
    said._record as record_no
from {{ source('lake', 'party__grid_party') }} as said
left join {{ ref('bridge_grid_number') }} as number on said.grid_id = number.stated_grid_id
left join {{ ref('stg_division_code') }} as place on said.township_code = place.code
left join {{ ref('party_word') }} as word on said.has_party = word.source_value
