with
    delivered as (
        select
            enterprise.*,
            greatest(enterprise.lng, enterprise.lat) as true_lng,
            least(enterprise.lng, enterprise.lat) as true_lat
        from {{ source('lake', 'emergency__enterprise') }} as enterprise
        where not coalesce(enterprise._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('emergency|' || delivered.ent_id) as enterprise_key,
    delivered.ent_id as enterprise_no,
    {{ credit_code('delivered.uscc') }} as uscc,
    trim(delivered.enterprise) as enterprise_name,
    kind_map.enterprise_kind,
    kind_map.field_key,
    delivered.industry_code,
    rated.level_no as rated_level_no,
    coalesce(delivered.is_hazchem, false) as is_hazchem,
    coalesce(delivered.is_dual_prevention, false) as is_dual_prevention,
    delivered.chemical,
    delivered.cas_no,
    delivered.qty_t as design_t,
    delivered.major_hazard_r as registered_r,
    {{ known_date('delivered.licence_until') }} as licence_until_on,
    delivered.staff_n,
    coalesce(status_map.is_active, true) as is_active,
    -- The register swaps the two now and then; of this city's places the longitude is the greater.
    cast({{ known_coordinate('delivered.true_lat') }} as decimal(9, 6)) as latitude,
    cast({{ known_coordinate('delivered.true_lng') }} as decimal(9, 6)) as longitude,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('enterprise_kind') }} as kind_map on trim(delivered.kind) = kind_map.source_value
left join {{ ref('std_event_level') }} as rated on trim(delivered.risk_colour) = rated.warning_colour_zh
left join {{ ref('enterprise_status') }} as status_map on trim(delivered.status) = status_map.source_value
left join stated on delivered.area_code = stated.area_code
