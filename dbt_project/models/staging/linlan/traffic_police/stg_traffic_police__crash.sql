with
    delivered as (
        select crash.*
        from {{ source('lake', 'traffic_police__crash') }} as crash
        where not coalesce(crash._is_withdrawn, false)
    ),

    -- What kinds of vehicles and walkers took part, of each list of them that occurs.
    parties as (
        select
            part.vehicle_types,
            bool_or(coalesce(known.is_heavy, false)) as has_heavy,
            bool_or(coalesce(known.is_vulnerable, false)) as has_vulnerable,
            bool_or(coalesce(known.is_coach, false)) as has_coach
        from
            (
                select listed.vehicle_types, unnest(string_split(listed.vehicle_types, ';')) as word
                from (select distinct delivered.vehicle_types from delivered) as listed
            ) as part
        left join {{ ref('vehicle_word') }} as known on part.word = known.word
        group by part.vehicle_types
    )

select
    delivered.crash_id as crash_no,
    delivered.crashed_at as occurred_at,
    {{ civil_date('delivered.crashed_at') }} as occurred_on,
    case
        when unknown_road.road_code is null
        then delivered.road_title || coalesce(' K' || nullif(regexp_extract(delivered.stake, '(\d+)', 1), ''), '')
    end as site_name,
    case when unknown_road.road_code is null then delivered.road_code end as road_code,
    delivered.road_title as road_name,
    -- K12+300 is kilometre 12 and 300 m.
    cast(
        coalesce(
            try_cast(delivered.stake as decimal(9, 3)),
            try_cast(regexp_extract(delivered.stake, '^[Kk](\d+)\+(\d+)$', 1) as integer)
            + try_cast(regexp_extract(delivered.stake, '^[Kk](\d+)\+(\d+)$', 2) as integer) / 1000
        ) as decimal(9, 3)
    ) as stake_km,
    delivered.deaths_30d_n as deaths_n,
    delivered.injuries_n,
    delivered.form as form_name,
    form.event_code,
    parties.has_heavy,
    parties.has_vulnerable,
    parties.has_coach,
    cause.cause_key,
    cause.is_driver as is_cause_driver,
    cause.is_road as is_cause_road,
    light.is_dark,
    light.is_unlit,
    surface.is_wet,
    weather.is_bad_weather,
    procedure.is_general as is_general_procedure,
    delivered.loss_yuan as loss_cny,
    delivered.area_code,
    -- Longitude is the greater of the two everywhere in the country: some forms have them swapped.
    least({{ known_coordinate('delivered.lat') }}, {{ known_coordinate('delivered.lng') }}) as latitude,
    greatest({{ known_coordinate('delivered.lat') }}, {{ known_coordinate('delivered.lng') }}) as longitude,
    delivered.updated_at as version_at,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('unknown_road') }} as unknown_road on delivered.road_code = unknown_road.road_code
left join {{ ref('crash_form') }} as form on delivered.form = form.form
left join parties on delivered.vehicle_types = parties.vehicle_types
left join {{ ref('crash_cause') }} as cause on delivered.cause = cause.cause
left join {{ ref('crash_condition') }} as light on delivered.light = light.word
left join {{ ref('crash_condition') }} as surface on delivered.surface = surface.word
left join {{ ref('crash_condition') }} as weather on delivered.weather = weather.word
left join {{ ref('crash_procedure') }} as procedure on delivered.procedure = procedure.procedure
