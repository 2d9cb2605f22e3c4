{{ config(enabled=fed_by('inspection', 'business', 'gas_check', 'accident', 'hazard', 'fire_incident')) }}
with
    windows as (
        select indicator_window.window_kind, indicator_window.first_on, indicator_window.last_on
        from ({{ indicator_windows() }}) as indicator_window
        where indicator_window.first_on < indicator_window.last_on
    ),

    -- Inspectors are compared, but never shown: only bodies are.
    papers as (
        select
            inspection.inspection_key,
            inspection.source_system,
            inspection.agency_zh,
            inspection.inspector_key,
            inspection.object_key,
            inspection.enterprise_key,
            inspection.uscc,
            inspection.division_code,
            inspection.inspected_on,
            inspection.started_at,
            inspection.entered_at,
            coalesce(inspection.findings_n, 0) = 0 as is_clean,
            cast(null as integer) as minutes_n
        from {{ ref('fct_inspection') }} as inspection
        union all
        select
            visit.visit_key as inspection_key,
            'gas' as source_system,
            visit.company_key as agency_zh,
            visit.inspector_key,
            visit.user_key as object_key,
            cast(null as varchar) as enterprise_key,
            cast(null as varchar) as uscc,
            visit.division_code,
            visit.checked_on as inspected_on,
            cast(null as timestamp with time zone) as started_at,
            cast(null as timestamp with time zone) as entered_at,
            not visit.is_hazard as is_clean,
            visit.minutes_n
        from {{ ref('fct_gas_check') }} as visit
        where visit.is_entered or visit.is_absent_as_checked
    ),

    -- Checks of several days entered within one minute by one hand.
    bulk as (
        select papers.source_system, papers.inspector_key, date_trunc('minute', papers.entered_at) as minute_at
        from papers
        where papers.entered_at is not null and papers.inspector_key is not null
        group by papers.source_system, papers.inspector_key, date_trunc('minute', papers.entered_at)
        having count(distinct papers.inspected_on) >= {{ threshold('bulk_entry_days_n') }}
    ),

    peers as (
        select papers.source_system, quantile_cont(papers.minutes_n, 0.05) as minutes_p5
        from papers
        where papers.minutes_n is not null
        group by papers.source_system
    ),

    events as (
        select accident.enterprise_key as object_key, accident.occurred_on
        from {{ ref('fct_accident') }} as accident
        union all
        select fire.unit_uscc as object_key, fire.alarmed_on as occurred_on
        from {{ ref('fct_fire_incident') }} as fire
        where fire.is_fire and fire.unit_uscc is not null
    ),

    judged as (
        select
            papers.*,
            bulk.minute_at is not null as is_bulk,
            coalesce(papers.minutes_n <= 0 or papers.minutes_n < peers.minutes_p5, false) as is_short,
            papers.is_clean
            and exists (
                select 1
                from events
                where
                    (events.object_key = papers.enterprise_key or events.object_key = papers.uscc)
                    and events.occurred_on > papers.inspected_on
                    and events.occurred_on <= papers.inspected_on + cast({{ threshold('precursor_days') }} as integer)
            ) as is_event_after_clean
        from papers
        left join
            bulk
            on papers.source_system = bulk.source_system
            and papers.inspector_key = bulk.inspector_key
            and date_trunc('minute', papers.entered_at) = bulk.minute_at
        left join peers on papers.source_system = peers.source_system
    ),

    texts as (
        select
            windows.window_kind,
            windows.first_on,
            bridge.scope_code,
            hazard.department_key as source_system,
            count(*) filter (where hazard.is_text_copied) as texts_copied_n,
            count(*) as texts_n
        from windows
        inner join
            {{ ref('fct_hazard_item') }} as hazard on hazard.found_on between windows.first_on and windows.last_on
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on hazard.division_code is not distinct from bridge.division_code
        group by windows.window_kind, windows.first_on, bridge.scope_code, hazard.department_key
    ),

    counted as (
        select
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            bridge.scope_code,
            judged.source_system,
            judged.agency_zh,
            count(*) as inspections_n,
            count(distinct judged.object_key) as objects_n,
            count(*) filter (where judged.is_clean) as zero_finding_n,
            count(*) filter (where judged.is_bulk) as bulk_entry_n,
            count(*) filter (where judged.is_short) as short_n,
            count(judged.minutes_n) as timed_n,
            count(*) filter (where judged.started_at is not null and judged.entered_at is null) as entered_before_n,
            count(*) filter (where judged.is_event_after_clean) as event_after_clean_n
        from windows
        inner join judged on judged.inspected_on between windows.first_on and windows.last_on
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on judged.division_code is not distinct from bridge.division_code
        group by
            windows.window_kind,
            windows.first_on,
            windows.last_on,
            bridge.scope_code,
            judged.source_system,
            judged.agency_zh
    )

select
    counted.window_kind,
    counted.first_on,
    counted.last_on,
    counted.scope_code as division_code,
    counted.source_system,
    counted.agency_zh,
    counted.inspections_n,
    counted.objects_n,
    counted.zero_finding_n,
    {{ percent_of('counted.zero_finding_n', 'counted.inspections_n') }} as zero_finding_pct,
    cast(
        100.0 * {{ wilson_low('counted.zero_finding_n', 'counted.inspections_n') }} as decimal(6, 2)
    ) as zero_finding_low_pct,
    cast(
        100.0 * {{ wilson_high('counted.zero_finding_n', 'counted.inspections_n') }} as decimal(6, 2)
    ) as zero_finding_high_pct,
    counted.bulk_entry_n,
    {{ percent_of('counted.bulk_entry_n', 'counted.inspections_n') }} as bulk_entry_pct,
    case when counted.timed_n > 0 then counted.short_n end as short_n,
    counted.entered_before_n,
    texts.texts_copied_n,
    {{ percent_of('texts.texts_copied_n', 'texts.texts_n') }} as texts_copied_pct,
    counted.event_after_clean_n
from counted
left join
    texts
    on counted.window_kind = texts.window_kind
    and counted.first_on = texts.first_on
    and counted.scope_code = texts.scope_code
    and counted.source_system = texts.source_system
