{{ config(enabled=fed_by('hazard', 'equipment', 'dust_hour')) }}
with
    terms as (
        select hazard.is_major, cast(max(hazard.due_on - hazard.found_on) as integer) as longest_days
        from {{ ref('fct_hazard_item') }} as hazard
        where not hazard.is_due_derived
        group by hazard.is_major
    ),

    -- Due on the day it was found, and never seen overdue: some day from its closing to the longest term there is.
    hazards as (
        select
            hazard.division_code,
            greatest(cast(hazard.found_on + 1 as date), hazard.closed_on) as from_on,
            greatest(cast(hazard.found_on + terms.longest_days as date), hazard.due_on, hazard.closed_on) as until_on
        from {{ ref('fct_hazard_item') }} as hazard
        inner join terms on hazard.is_major = terms.is_major
        where hazard.is_due_unknown
    ),

    -- The list does not say when the next inspection is due. Counted from the last one, which may be a month early, it
    -- is certain outside of that month.
    devices as (
        select distinct
            device.equipment_key,
            device.division_code,
            cast(
                device.next_inspection_on - cast({{ threshold('inspection_early_days') }} as integer) as date
            ) as from_on,
            cast(
                device.next_inspection_on + cast({{ threshold('inspection_early_days') }} as integer) as date
            ) as until_on
        from {{ ref('fct_equipment_due_snapshot') }} as device
        where device.is_due_derived and device.is_in_use
    ),

    -- Hours of which a device that repeats itself tells nothing are drawn from another one's share.
    flat as (
        select dust.division_code, dust.day_on from {{ ref('fct_dust_daily') }} as dust where dust.hours_flat_n > 0
    )

    {{ unknown_part('I07', 'on_time_rate', 'hazards', 'fact.from_on', 'fact.until_on') }}
union all
{{ unknown_part('I17', 'equipment_overdue_rate', 'devices', 'fact.from_on', 'fact.until_on') }}
union all
{{ unknown_part('I17', 'dust_hours', 'flat', 'fact.day_on', 'fact.day_on') }}
