{{ config(enabled=fed_by('fire_incident', 'ems_call', 'police_incident')) }}
-- Calls of which nobody wrote down when they were arrived at, or by a clock that was wrong.
with
    calls as (
        select 'fire' as variant, fire.alarmed_on as day_on, fire.division_code
        from {{ ref('fct_fire_incident') }} as fire
        where fire.arrived_at is null
        union all
        select 'ems' as variant, ems.called_on as day_on, ems.division_code
        from {{ ref('fct_ems_call') }} as ems
        where ems.arrived_at is null and not ems.is_empty
        union all
        select 'police' as variant, police.called_on as day_on, police.division_code
        from {{ ref('fct_police_incident') }} as police
        where police.arrived_at is null and not police.is_repeat
    )

    {{ unknown_part('I12', 'response_p50', 'calls', 'fact.day_on', 'fact.day_on', variant='fact.variant') }}
union all
{{ unknown_part('I12', 'response_p90', 'calls', 'fact.day_on', 'fact.day_on', variant='fact.variant') }}
