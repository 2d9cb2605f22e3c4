with
    numbered as (
        select tenancy.*, regexp_extract_all(tenancy.room_text, '[0-9]+') as numbers
        from {{ source('lake', 'rental__tenancy') }} as tenancy
    )

select
    tenancy.tenancy_no,
    coalesce(operation.is_taken_back, false) or coalesce(tenancy._is_withdrawn, false) as is_taken_back,
    {{ civil_date('tenancy.changed_at') }} as changed_on,
    tenancy.house_id as house_no,
    tenancy.flat_no as address_no,
    tenancy.building_no,
    -- 3单元102室, 3-102室, 3单元102, 102室: the last number is the door, one before it the staircase.
    case when len(tenancy.numbers) > 1 then tenancy.numbers[-2] end as unit_no,
    tenancy.numbers[-1] as door_no,
    place.division_code,
    tenancy.rooms_n,
    case
        when
            tenancy.area_m2 >= {{ threshold('measured_area_m2_from') }}
            and tenancy.area_m2 < {{ threshold('measured_area_m2_below') }}
        then tenancy.area_m2
    end as area_m2,
    coalesce(use.is_home, true) as is_home,
    coalesce(use.is_dormitory, false) as is_dormitory,
    tenancy.landlord_key,
    tenancy.tenant_key,
    tenancy.household_no,
    tenancy.employer_uscc,
    {{ known_date('tenancy.moved_in_on') }} as moved_in_on,
    -- Left before coming: gone by the day on which it was written.
    case
        when tenancy.moved_out_on < tenancy.moved_in_on
        then {{ civil_date('tenancy.changed_at') }}
        else tenancy.moved_out_on
    end as moved_out_on,
    tenancy.is_filed,
    tenancy.ds as delivered_on,
    tenancy._landed_at as landed_at,
    tenancy._file as file_name,
    tenancy._record as record_no
from numbered as tenancy
left join {{ ref('tenancy_operation') }} as operation on tenancy.operation = operation.source_value
left join {{ ref('tenancy_use') }} as use on tenancy.use_kind = use.source_value
left join {{ ref('stg_division_code') }} as place on tenancy.township_code = place.code
