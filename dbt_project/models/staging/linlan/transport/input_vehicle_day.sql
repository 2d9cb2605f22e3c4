with
    delivered as (select vehicle_day.* from {{ source('lake', 'transport__vehicle_day') }} as vehicle_day),

    -- The code of a firm tells where it was registered.
    placed as (
        select distinct delivered.carrier_uscc, regexp_extract(delivered.carrier_uscc, '^..(\d{6})', 1) as area_code
        from delivered
        where delivered.carrier_uscc is not null
    ),

    stated as ({{ divisions_stated('placed') }})

select
    delivered.vehicle_id as permit_no,
    delivered.run_on,
    delivered.carrier_uscc,
    coalesce(kind.kind_key, 'other') as vehicle_kind_key,
    coalesce(kind.is_coach, false) as is_coach,
    coalesce(kind.is_hazmat, false) as is_hazmat,
    -- Zeros of a receiver that was off, and kilometres no day has room for, say nothing.
    coalesce(delivered.online_min, 0) > 0 as is_online,
    case
        when coalesce(delivered.online_min, 0) > 0 and delivered.km <= {{ threshold('vehicle_day_possible_km') }}
        then delivered.km
    end as distance_km,
    delivered.online_min,
    case when coalesce(delivered.online_min, 0) > 0 then delivered.overspeed_n end as overspeed_n,
    case when coalesce(delivered.online_min, 0) > 0 then delivered.fatigue_n end as fatigue_n,
    case
        when coalesce(delivered.online_min, 0) > 0 and delivered.night_km <= {{ threshold('vehicle_day_possible_km') }}
        then delivered.night_km
    end as night_km,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('vehicle_word') }} as kind on delivered.vehicle_kind = kind.word
left join placed on delivered.carrier_uscc = placed.carrier_uscc
left join stated on placed.area_code = stated.area_code
