{{ config(enabled=fed_by(
    'enterprise', 'hazard', 'major_hazard_day', 'equipment', 'business', 'site', 'dangerous_building', 'inspection'
)) }}
with
    source_days as (
        select
            day.hazard_source_key,
            day.enterprise_key,
            day.division_code,
            day.day_on,
            day.level_no,
            day.r_value,
            -- Days of one level on end share a number.
            day.day_on - cast(
                row_number() over (partition by day.hazard_source_key, day.level_no order by day.day_on) as integer
            ) as run_on
        from {{ ref('fct_major_hazard_day') }} as day
        where day.level_no is not null
    ),

    newest_source_day as (select max(source_days.day_on) as day_on from source_days),

    newest_list as (
        select max(snapshot.listed_on) as listed_on from {{ ref('fct_equipment_due_snapshot') }} as snapshot
    ),

    -- Each inspection's term of each device in use:
    -- from the day after it was due to the list that first shows a new one.
    equipment_terms as (
        select
            device.equipment_key,
            device.next_inspection_on,
            max_by(device.equipment_code, device.listed_on) as equipment_code,
            max_by(device.uscc, device.listed_on) as uscc,
            max_by(device.division_code, device.listed_on) as division_code,
            max(device.listed_on) as last_listed_on
        from {{ ref('fct_equipment_due_snapshot') }} as device
        where device.is_in_use and device.next_inspection_on < device.listed_on
        group by device.equipment_key, device.next_inspection_on
    ),

    equipment_spans as (
        select
            terms.*,
            cast(terms.next_inspection_on + 1 as date) as overdue_on,
            cast(
                terms.next_inspection_on + 1 + cast({{ threshold('equipment_long_overdue_days') }} as integer) as date
            ) as escalated_on,
            case
                when terms.last_listed_on < newest_list.listed_on then cast(terms.last_listed_on + 1 as date)
            end as ends_on
        from equipment_terms as terms
        cross join newest_list
    ),

    orphans as (
        select
            device.equipment_key,
            max_by(device.equipment_code, device.listed_on) as equipment_code,
            max_by(device.uscc, device.listed_on) as uscc,
            max_by(device.division_code, device.listed_on) as division_code,
            min(device.listed_on) as from_on,
            max(device.listed_on) as last_listed_on
        from {{ ref('fct_equipment_due_snapshot') }} as device
        inner join
            (
                select firm.uscc, min(firm.cancelled_on) as cancelled_on
                from
                    (
                        select business.uscc, business.cancelled_on
                        from {{ ref('dim_business') }} as business
                        where not business.is_active
                        union all
                        select enterprise.uscc, enterprise.cancelled_on
                        from {{ ref('dim_enterprise') }} as enterprise
                        where not enterprise.is_active
                    ) as firm
                where firm.uscc is not null
                group by firm.uscc
            ) as business
            on device.uscc = business.uscc
            and device.listed_on >= coalesce(business.cancelled_on, device.listed_on)
        where device.is_in_use
        group by device.equipment_key
    ),

    told as (
        select
            'major_hazard_source' as risk_kind,
            source.source_no as object_no,
            day.enterprise_key,
            min(day.division_code) as division_code,
            day.level_no,
            cast(max(day.r_value) as decimal(18, 2)) as score,
            min(day.day_on) as from_on,
            case
                when max(day.day_on) < max(newest_source_day.day_on) then cast(max(day.day_on) + 1 as date)
            end as to_on
        from source_days as day
        inner join {{ ref('dim_major_hazard_source') }} as source on day.hazard_source_key = source.hazard_source_key
        cross join newest_source_day
        group by source.source_no, day.enterprise_key, day.level_no, day.run_on
        union all by name
        select
            'hazard_major' as risk_kind,
            hazard.hazard_no as object_no,
            hazard.enterprise_key,
            hazard.division_code,
            hazard.lec_score as score,
            hazard.found_on as from_on,
            hazard.closed_on as to_on
        from {{ ref('fct_hazard_item') }} as hazard
        where hazard.is_major
        union all by name
        select
            'hazard_overdue' as risk_kind,
            hazard.hazard_no as object_no,
            hazard.enterprise_key,
            hazard.division_code,
            band.level_no,
            hazard.lec_score as score,
            cast(hazard.due_on + 1 as date) as from_on,
            hazard.closed_on as to_on
        from {{ ref('fct_hazard_item') }} as hazard
        inner join
            {{ ref('std_lec_band') }} as band
            on hazard.lec_score >= band.score_from
            and (band.score_below is null or hazard.lec_score < band.score_below)
            and band.valid_from <= hazard.found_on
            and (band.valid_to is null or hazard.found_on < band.valid_to)
        where not hazard.is_major
        union all by name
        select
            'equipment_overdue' as risk_kind,
            spans.equipment_code as object_no,
            enterprise.enterprise_key,
            spans.division_code,
            spans.overdue_on as from_on,
            case
                when spans.escalated_on <= {{ as_of() }} or spans.ends_on is not null
                then least(spans.escalated_on, coalesce(spans.ends_on, spans.escalated_on))
            end as to_on
        from equipment_spans as spans
        left join {{ ref('enterprise_of_code') }} as enterprise on spans.uscc = enterprise.uscc
        union all by name
        select
            'equipment_overdue' as risk_kind,
            spans.equipment_code as object_no,
            enterprise.enterprise_key,
            spans.division_code,
            true as is_escalated,
            spans.escalated_on as from_on,
            spans.ends_on as to_on
        from equipment_spans as spans
        left join {{ ref('enterprise_of_code') }} as enterprise on spans.uscc = enterprise.uscc
        union all by name
        select
            'equipment_orphan' as risk_kind,
            orphans.equipment_code as object_no,
            enterprise.enterprise_key,
            orphans.division_code,
            orphans.from_on,
            case
                when orphans.last_listed_on < newest_list.listed_on then cast(orphans.last_listed_on + 1 as date)
            end as to_on
        from orphans
        cross join newest_list
        left join {{ ref('enterprise_of_code') }} as enterprise on orphans.uscc = enterprise.uscc
        union all by name
        select 'dig_unprotected' as risk_kind, site.site_no as object_no, site.division_code, site.started_on as from_on
        from {{ ref('dim_site') }} as site
        where site.is_at_work and site.is_dig and not coalesce(site.is_pipe_protected, false)
        union all by name
        select 'site_unclosed' as risk_kind, site.site_no as object_no, site.division_code, site.ended_on as from_on
        from {{ ref('dim_site') }} as site
        where site.is_finished_but_active
        union all by name
        select
            'building_occupied_' || lower(building.danger_grade) as risk_kind,
            building.building_no as object_no,
            building.division_code,
            building.first_listed_on as from_on,
            case when not building.is_listed then cast(building.last_listed_on + 1 as date) end as to_on
        from {{ ref('dim_dangerous_building') }} as building
        where building.is_lived_in and building.danger_grade is not null
    ),

    derived as (
        select
            told.risk_kind,
            told.object_no,
            told.enterprise_key,
            told.division_code,
            coalesce(
                told.level_no, case when told.is_escalated then kind.escalated_level_no else kind.level_no end
            ) as level_no,
            told.score,
            told.from_on,
            told.to_on
        from told
        inner join {{ ref('risk_kind') }} as kind on told.risk_kind = kind.risk_kind
    ),

    -- What somebody decided holds over what the data say, from the day of the decision on; the newest decision counts.
    decided as (
        select
            decision.*,
            lead(decision.decided_on) over (
                partition by decision.risk_kind, decision.object_no order by decision.decided_on
            ) as until_on
        from {{ ref('risk_decision') }} as decision
    ),

    cut as (
        select
            derived.* exclude (to_on),
            case
                when decided.decided_on is null
                then derived.to_on
                else least(coalesce(derived.to_on, decided.decided_on), decided.decided_on)
            end as to_on,
            false as is_decided
        from derived
        left join
            (
                select decided.risk_kind, decided.object_no, min(decided.decided_on) as decided_on
                from decided
                group by decided.risk_kind, decided.object_no
            ) as decided
            on derived.risk_kind = decided.risk_kind
            and derived.object_no = decided.object_no
        where decided.decided_on is null or derived.from_on < decided.decided_on
        union all
        select
            derived.risk_kind,
            derived.object_no,
            derived.enterprise_key,
            derived.division_code,
            coalesce(decided.level_no, derived.level_no) as level_no,
            derived.score,
            greatest(derived.from_on, decided.decided_on) as from_on,
            case
                when decided.until_on is null
                then derived.to_on
                else least(coalesce(derived.to_on, decided.until_on), decided.until_on)
            end as to_on,
            true as is_decided
        from derived
        inner join decided on derived.risk_kind = decided.risk_kind and derived.object_no = decided.object_no
        where
            not coalesce(decided.is_removed, false)
            and (derived.to_on is null or derived.to_on > decided.decided_on)
            and (decided.until_on is null or derived.from_on < decided.until_on)
    )

select
    md5(cut.risk_kind || '|' || cut.object_no) as risk_key,
    cut.risk_kind,
    kind.list_key,
    cut.object_no,
    cut.enterprise_key,
    cut.division_code,
    cut.level_no,
    cut.score,
    kind.method,
    cut.is_decided,
    cut.from_on,
    cut.to_on
from cut
inner join {{ ref('risk_kind') }} as kind on cut.risk_kind = kind.risk_kind
where cut.from_on <= {{ as_of() }} and (cut.to_on is null or cut.to_on > cut.from_on)
