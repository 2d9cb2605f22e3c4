with
    delivered as (
        select alarm.* from {{ source('lake', 'fire__alarm') }} as alarm where not coalesce(alarm._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('fire|' || delivered.alarm_no) as incident_key,
    kind.event_code,
    coalesce(kind.is_fire, false) as is_fire,
    coalesce(kind.is_false_alarm, false) as is_false_alarm,
    delivered.alarm_at as alarmed_at,
    {{ civil_date('delivered.alarm_at') }} as alarmed_on,
    delivered.dispatched_at,
    -- An engine's clock that is slow says it was there before anybody called.
    case when delivered.arrived_at >= delivered.alarm_at then delivered.arrived_at end as arrived_at,
    delivered.closed_at,
    delivered.unit_uscc,
    delivered.unit_title as unit_name,
    delivered.address_key as place_key,
    delivered.grid_id,
    stated.division_code,
    {{ known_coordinate('delivered.lat') }} as latitude,
    {{ known_coordinate('delivered.lng') }} as longitude,
    case when open_cause.cause is null then delivered.cause end as cause,
    delivered.deaths_n,
    delivered.injuries_n,
    delivered.engines_n,
    -- More ten thousands of yuan than a fire has ever cost are yuan.
    cast(
        case
            when delivered.loss_wan > {{ threshold('fire_loss_possible_wan') }}
            then delivered.loss_wan
            else {{ yuan_of_wan('delivered.loss_wan') }}
        end as decimal(18, 2)
    ) as loss_cny,
    delivered.updated_at as version_at,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('fire_kind') }} as kind on delivered.kind = kind.kind
left join {{ ref('open_cause') }} as open_cause on delivered.cause = open_cause.cause
left join stated on delivered.area_code = stated.area_code
