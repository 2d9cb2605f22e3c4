{{ config(enabled=fed_by('tenancy', 'power_meter_day', 'water_meter_day', 'delivery_day', 'smart_alarm', 'ebike', 'case', 'address', 'address_use', 'command_lead')) }}
with
    spans as (
        select
            {{ as_of() }} as as_of_on,
            cast(
                date_trunc('month', {{ as_of() }} + to_days(1))
                - to_months(cast({{ threshold('group_rental_months') }} as integer)) as date
            ) as months_from_on,
            cast(date_trunc('month', {{ as_of() }} + to_days(1)) as date) as months_to_on,
            cast(
                {{ as_of() }} - to_days(cast({{ threshold('group_rental_case_days') }} as integer)) as date
            ) as cases_after_on,
            cast(
                {{ as_of() }} - to_days(cast({{ threshold('group_rental_alarm_days') }} as integer)) as date
            ) as alarms_after_on,
            cast(
                {{ as_of() }} - to_days(cast({{ threshold('group_rental_again_days') }} as integer)) as date
            ) as again_after_on
    ),

    flats as (
        select snapshot.*
        from {{ ref('fct_tenancy_snapshot') }} as snapshot
        inner join spans on snapshot.ds = spans.as_of_on
        where snapshot.address_no is not null
    ),

    -- Let flats have a meter of their own on the list.
    power as (
        select
            meter.address_no,
            meter.month_on,
            meter.division_code,
            case
                when
                    count(*) over (partition by meter.month_on, meter.building_no)
                    >= {{ threshold('group_rental_peers_from') }}
                then meter.building_no
                else meter.division_code
            end as peer_key,
            cast(meter.kwh / meter.days_n / nullif(meter.area_m2, 0) as decimal(18, 6)) as kwh_per_m2_day,
            cast(meter.kwh_night / nullif(meter.kwh, 0) as decimal(18, 6)) as night_share,
            meter.submeters_n
        from {{ ref('fct_power_meter_month') }} as meter
        inner join flats on meter.address_no = flats.address_no
        cross join spans
        where meter.month_on >= spans.months_from_on and meter.month_on < spans.months_to_on
    ),

    power_z as ({{ among_peers('power', 'kwh_per_m2_day', ['month_on', 'peer_key']) }}),

    night_z as ({{ among_peers('power', 'night_share', ['month_on', 'peer_key']) }}),

    water as (
        select
            meter.address_no,
            meter.month_on,
            meter.division_code,
            meter.m3,
            cast(meter.m3 / meter.days_n as decimal(18, 6)) as m3_day
        from {{ ref('fct_water_meter_month') }} as meter
        inner join flats on meter.address_no = flats.address_no
        cross join spans
        where meter.month_on >= spans.months_from_on and meter.month_on < spans.months_to_on
    ),

    water_z as ({{ among_peers('water', 'm3_day', ['month_on', 'division_code']) }}),

    stairs as (
        select
            stairs.unit_key,
            stairs.building_no,
            stairs.division_code,
            stairs.month_on,
            cast(
                stairs.parcels_n * 1.0 / stairs.days_n / nullif(stairs.households_n, 0) as decimal(18, 6)
            ) as parcels_day,
            cast(
                stairs.late_meals_n * 1.0 / stairs.days_n / nullif(stairs.households_n, 0) as decimal(18, 6)
            ) as late_meals_day,
            stairs.recipients_30d_n
        from {{ ref('fct_delivery_building_month') }} as stairs
        cross join spans
        where stairs.month_on >= spans.months_from_on and stairs.month_on < spans.months_to_on
    ),

    parcels_z as ({{ among_peers('stairs', 'parcels_day', ['month_on', 'division_code']) }}),

    late_meals_z as ({{ among_peers('stairs', 'late_meals_day', ['month_on', 'division_code']) }}),

    ebikes as (
        select bike.address_no, bike.ebikes_n
        from {{ ref('fct_ebike_flat_month') }} as bike
        where
            bike.address_no is not null
            and bike.month_on = (select max(newest.month_on) from {{ ref('fct_ebike_flat_month') }} as newest)
    ),

    -- The floor of an alarm is that of the flats whose doors it rang at.
    lift as (
        select alarm.building_no, alarm.floor_no, count(*) as alarms_n
        from {{ ref('fct_smart_alarm') }} as alarm
        cross join spans
        where
            alarm.is_lift
            and not alarm.is_false
            and alarm.alarmed_on > spans.alarms_after_on
            and alarm.floor_no is not null
        group by alarm.building_no, alarm.floor_no
    ),

    lift_flat as (
        select flats.address_no, max(lift.alarms_n) as alarms_n
        from flats
        -- 1203 is the third door of the twelfth floor: the last two figures count the doors.
        inner join
            lift
            on flats.building_no = lift.building_no
            and divide(try_cast(flats.door_no as integer), 100) = lift.floor_no
        group by flats.address_no
    ),

    complaints as (
        select
            building.address_no as building_no,
            incident.case_key,
            incident.caller_key,
            incident.created_on,
            sign.is_direct,
            sign.is_fly_wire,
            sign.nuisance
        from {{ ref('fct_case') }} as incident
        inner join {{ ref('rental_complaint') }} as sign on incident.category_key = sign.category_key
        inner join
            (
                select link.address_hash, min(link.address_key) as address_key
                from {{ ref('address_link') }} as link
                group by link.address_hash
            ) as link
            on incident.address_key = link.address_hash
        inner join {{ ref('dim_address') }} as address on link.address_key = address.address_key
        inner join {{ ref('dim_address') }} as building on address.building_address_key = building.address_key
        where not incident.is_void and incident.duplicate_of_case_key is null
    ),

    building_cases as (
        select
            complaints.building_no,
            count(distinct coalesce(complaints.caller_key, complaints.case_key)) filter (
                where complaints.is_direct and complaints.created_on > spans.cases_after_on
            ) as callers_n,
            count(*) filter (
                where complaints.is_fly_wire and complaints.created_on > spans.alarms_after_on
            ) as fly_wires_n,
            count(distinct complaints.nuisance) filter (
                where complaints.created_on > spans.cases_after_on
            ) as nuisances_n
        from complaints
        cross join spans
        group by complaints.building_no
    ),

    -- Cleared once, and people have moved in since.
    again as (
        select lead.subject_no as address_no, max(lead.closed_on) as closed_on
        from {{ ref('fct_command_lead') }} as lead
        inner join {{ ref('dim_warning_model') }} as model on lead.model_id = model.model_id
        inner join {{ ref('group_rental_rule') }} as rule on model.model_id = rule.model_id
        cross join spans
        where lead.is_confirmed and lead.closed_on > spans.again_after_on
        group by lead.subject_no
    ),

    used as (
        select
            flats.address_no,
            (select min(power_z.z) from power_z where power_z.address_no = flats.address_no) as power_z,
            (select min(night_z.z) from night_z where night_z.address_no = flats.address_no) as night_z,
            (select max(power.submeters_n) from power where power.address_no = flats.address_no) as submeters_n,
            (
                select cast(avg(power.kwh_per_m2_day) as decimal(18, 4))
                from power
                where power.address_no = flats.address_no
            ) as kwh_per_m2_day,
            (select min(water_z.z) from water_z where water_z.address_no = flats.address_no) as water_z,
            (select max(water.m3) from water where water.address_no = flats.address_no) as water_m3
        from flats
    ),

    staircases as (
        select
            stairs.building_no,
            stairs.unit_key,
            max(stairs.recipients_30d_n) as recipients_n,
            (select min(parcels_z.z) from parcels_z where parcels_z.unit_key = stairs.unit_key) as parcels_z,
            (select min(late_meals_z.z) from late_meals_z where late_meals_z.unit_key = stairs.unit_key) as late_meals_z
        from stairs
        group by stairs.building_no, stairs.unit_key
    )

select
    flats.address_no,
    flats.building_no,
    flats.division_code,
    flats.area_m2,
    cast(flats.tenants_n as decimal(18, 4)) as persons_n,
    cast(
        case
            when flats.area_m2 < flats.tenants_n * {{ threshold('group_rental_least_m2_per_person') }} then 1 else 0
        end as decimal(18, 4)
    ) as crowding,
    cast(flats.households_n as decimal(18, 4)) as households_n,
    cast(case when flats.spellings_n > 1 then flats.tenants_n else 0 end as decimal(18, 4)) as persons_of_spellings_n,
    cast(flats.unfiled_households_n as decimal(18, 4)) as unfiled_households_n,
    cast(flats.landlord_flats_n as decimal(18, 4)) as landlord_flats_n,
    cast(flats.check_ins_90d_n as decimal(18, 4)) as check_ins_90d_n,
    cast(used.kwh_per_m2_day as decimal(18, 4)) as kwh_per_m2_day,
    cast(used.power_z as decimal(18, 4)) as power_z,
    cast(used.night_z as decimal(18, 4)) as night_z,
    cast(used.water_m3 as decimal(18, 4)) as water_m3,
    cast(used.water_z as decimal(18, 4)) as water_z,
    cast(staircases.parcels_z as decimal(18, 4)) as parcels_z,
    cast(staircases.late_meals_z as decimal(18, 4)) as late_meals_z,
    cast(staircases.recipients_n as decimal(18, 4)) as recipients_n,
    cast(coalesce(ebikes.ebikes_n, 0) as decimal(18, 4)) as ebikes_n,
    cast(coalesce(lift_flat.alarms_n, 0) as decimal(18, 4)) as lift_alarms_n,
    cast(coalesce(building_cases.fly_wires_n, 0) as decimal(18, 4)) as fly_wires_n,
    cast(coalesce(building_cases.callers_n, 0) as decimal(18, 4)) as callers_n,
    cast(coalesce(building_cases.nuisances_n, 0) as decimal(18, 4)) as nuisances_n,
    cast(
        case when flats.last_check_in_on > again.closed_on then flats.check_ins_90d_n else 0 end as decimal(18, 4)
    ) as check_ins_after_clearance_n,
    cast(coalesce(used.submeters_n, 0) as decimal(18, 4)) as submeters_n,
    cast(flats.same_employer_n as decimal(18, 4)) as same_employer_n,
    cast(flats.not_home_tenants_n as decimal(18, 4)) as not_home_persons_n
from flats
inner join used on flats.address_no = used.address_no
left join staircases on flats.building_no || '-' || flats.unit_no = staircases.unit_key
left join ebikes on flats.address_no = ebikes.address_no
left join lift_flat on flats.address_no = lift_flat.address_no
left join building_cases on flats.building_no = building_cases.building_no
left join again on flats.address_no = again.address_no
