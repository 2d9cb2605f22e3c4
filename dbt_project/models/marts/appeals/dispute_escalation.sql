{{ config(enabled=fed_by('police_incident', 'dispute', 'grid')) }}
with
    months as ({{ indicator_months() }}),

    calls as (
        select
            incident.place_key,
            incident.division_code,
            incident.called_on,
            coalesce(disposal.is_mediated, false) as is_mediated
        from {{ ref('fct_police_incident') }} as incident
        left join {{ ref('police_disposal') }} as disposal on incident.disposal = disposal.disposal
        where incident.is_dispute and not incident.is_repeat
    ),

    -- A place as it stands at the month's end: the calls of the days before it.
    places as (
        select
            months.month_on,
            calls.division_code,
            calls.place_key,
            count(*) as calls_n,
            count(*) filter (where calls.is_mediated) as mediated_n
        from months
        inner join
            calls
            on calls.called_on <= months.last_on
            and calls.called_on > months.last_on - cast({{ threshold('dispute_place_days') }} as integer)
        where calls.place_key is not null
        group by months.month_on, calls.division_code, calls.place_key
    ),

    stood as (
        select
            places.month_on,
            scope.scope_code,
            count(*) as dispute_places_n,
            count(*) filter (where places.calls_n > 1) as repeated_places_n,
            count(*) filter (where places.calls_n >= {{ threshold('dispute_place_n') }}) as places_n,
            count(*) filter (
                where places.calls_n >= {{ threshold('dispute_place_n') }} and places.mediated_n = 0
            ) as unmediated_places_n,
            max(places.calls_n) as calls_most_n
        from places
        inner join
            {{ ref('bridge_division_scope') }} as scope on places.division_code is not distinct from scope.division_code
        group by places.month_on, scope.scope_code
    ),

    called as (
        {{ by_month_and_scope(
        'calls', 'called_on',
        ['count(*) as dispute_calls_n', 'count(*) filter (where told.is_mediated) as mediated_calls_n']
    ) }}
    ),

    mediated as ({{ by_month_and_scope(ref('fct_dispute'), 'accepted_on', ['count(*) as accepted_n']) }})

select
    months.month_on,
    residents.division_code,
    coalesce(called.dispute_calls_n, 0) as dispute_calls_n,
    coalesce(called.mediated_calls_n, 0) as mediated_calls_n,
    {{ percent_of('called.mediated_calls_n', 'called.dispute_calls_n') }} as mediated_calls_pct,
    coalesce(mediated.accepted_n, 0) as accepted_n,
    coalesce(stood.dispute_places_n, 0) as dispute_places_n,
    coalesce(stood.repeated_places_n, 0) as repeated_places_n,
    coalesce(stood.places_n, 0) as places_n,
    coalesce(stood.unmediated_places_n, 0) as unmediated_places_n,
    stood.calls_most_n
from months
cross join {{ ref('division_residents') }} as residents
left join stood on months.month_on = stood.month_on and residents.division_code = stood.scope_code
left join called on months.month_on = called.month_on and residents.division_code = called.scope_code
left join mediated on months.month_on = mediated.month_on and residents.division_code = mediated.scope_code
