{{ config(enabled=fed_by('enterprise', 'hazard', 'inspection', 'business', 'major_hazard_day', 'equipment', 'accident')) }}
with
    hazards as (
        select
            hazard.enterprise_key,
            cast(
                coalesce(sum(hazard.lec_score) filter (where hazard.closed_on is null), 0) as decimal(18, 2)
            ) as open_lec,
            count(*) filter (where hazard.closed_on is null) as open_n,
            count(*) filter (where hazard.closed_on is null and hazard.is_major) as open_major_n,
            count(*) filter (
                where hazard.closed_on is null and hazard.is_major and hazard.due_on < {{ as_of() }}
            ) as overdue_major_n,
            count(*) filter (where hazard.due_on between {{ as_of() }} - to_years(1) and {{ as_of() }}) as due_n,
            count(*) filter (
                where
                    hazard.due_on between {{ as_of() }} - to_years(1) and {{ as_of() }}
                    and not coalesce(hazard.closed_on <= hazard.due_on, false)
            ) as late_n
        from {{ ref('fct_hazard_item') }} as hazard
        group by hazard.enterprise_key
    ),

    inspections as (
        select
            inspection.enterprise_key,
            max(inspection.inspected_on) as last_inspected_on,
            max(inspection.next_due_on) as next_due_on
        from {{ ref('fct_inspection') }} as inspection
        where inspection.enterprise_key is not null and not inspection.is_self
        group by inspection.enterprise_key
    ),

    newest_list as (select max(device.listed_on) as listed_on from {{ ref('fct_equipment_due_snapshot') }} as device),

    equipment as (
        select device.uscc, count(*) as overdue_n
        from {{ ref('fct_equipment_due_snapshot') }} as device
        inner join newest_list on device.listed_on = newest_list.listed_on
        where device.is_in_use and device.next_inspection_on < device.listed_on and device.uscc is not null
        group by device.uscc
    ),

    accidents as (
        select accident.enterprise_key, count(*) as accidents_n, cast(sum(accident.deaths_n) as bigint) as deaths_n
        from {{ ref('fct_accident') }} as accident
        where accident.occurred_on > {{ as_of() }} - to_years(1)
        group by accident.enterprise_key
    ),

    newest_source_day as (select max(day.day_on) as day_on from {{ ref('fct_major_hazard_day') }} as day),

    sources as (
        select day.enterprise_key, min(day.level_no) as source_level_no
        from {{ ref('fct_major_hazard_day') }} as day
        inner join newest_source_day on day.day_on = newest_source_day.day_on
        group by day.enterprise_key
    ),

    worst_level as (select max(level.level_no) as level_no from {{ ref('std_event_level') }} as level),

    measured as (
        select
            enterprise.enterprise_key,
            enterprise.enterprise_name,
            enterprise.enterprise_kind,
            enterprise.field_key,
            enterprise.division_code,
            enterprise.rated_level_no,
            sources.source_level_no,
            coalesce(hazards.open_n, 0) as open_hazards_n,
            coalesce(hazards.open_major_n, 0) as open_major_n,
            coalesce(hazards.overdue_major_n, 0) as overdue_major_n,
            coalesce(hazards.open_lec, 0) as open_lec,
            {{ percent_of('hazards.late_n', 'hazards.due_n') }} as late_pct,
            inspections.last_inspected_on,
            greatest(coalesce({{ as_of() }} - inspections.next_due_on, 0), 0) as inspection_overdue_days,
            coalesce(equipment.overdue_n, 0) as equipment_overdue_n,
            coalesce(accidents.accidents_n, 0) as accidents_12m_n,
            coalesce(accidents.deaths_n, 0) as deaths_12m_n,
            worst_level.level_no as mildest_level_no,
            least(
                coalesce(enterprise.rated_level_no, worst_level.level_no),
                coalesce(sources.source_level_no, worst_level.level_no)
            ) as inherent_level_no
        from {{ ref('dim_enterprise') }} as enterprise
        cross join worst_level
        left join hazards on enterprise.enterprise_key = hazards.enterprise_key
        left join inspections on enterprise.enterprise_key = inspections.enterprise_key
        left join equipment on enterprise.uscc = equipment.uscc
        left join accidents on enterprise.enterprise_key = accidents.enterprise_key
        left join sources on enterprise.enterprise_key = sources.enterprise_key
        where enterprise.is_active
    ),

    shares as (
        select
            measured.enterprise_key,
            unnest(['inherent', 'hazards', 'overdue', 'inspection', 'equipment', 'events']) as component,
            unnest(
                [
                    cast(
                        cast(measured.mildest_level_no - measured.inherent_level_no as double)
                        / nullif(measured.mildest_level_no - 1, 0) as decimal(18, 6)
                    ),
                    cast(measured.open_lec as decimal(18, 6)),
                    cast(coalesce(measured.late_pct, 0) / 100.0 as decimal(18, 6)),
                    cast(measured.inspection_overdue_days as decimal(18, 6)),
                    cast(measured.equipment_overdue_n as decimal(18, 6)),
                    cast(measured.accidents_12m_n as decimal(18, 6))
                ]
            ) as measure
        from measured
    ),

    points as (
        select
            shares.enterprise_key,
            shares.component,
            cast(rule.weight * least(shares.measure / rule.full_at, 1) as decimal(9, 2)) as point
        from shares
        inner join {{ ref('enterprise_risk_component') }} as rule on shares.component = rule.component
    ),

    scored as (
        select
            points.enterprise_key,
            {% for component in ['inherent', 'hazards', 'overdue', 'inspection', 'equipment', 'events'] -%}
                max(points.point) filter (where points.component = '{{ component }}') as {{ component }}_points,
            {% endfor -%}
            cast(sum(points.point) as decimal(9, 2)) as score
        from points
        group by points.enterprise_key
    ),

    -- Absolute floors: no sum of points outweighs these.
    floors as (
        select
            conditions.enterprise_key,
            min(floor.level_no) as floor_level_no,
            min_by(floor.name_zh, (floor.level_no, floor.order_no)) as floor_reason_zh
        from
            (
                select
                    measured.enterprise_key,
                    unnest(['death', 'major_overdue', 'source_level_one', 'major_open']) as floor_key,
                    unnest(
                        [
                            measured.deaths_12m_n > 0,
                            measured.overdue_major_n > 0,
                            coalesce(measured.source_level_no = 1, false),
                            measured.open_major_n > 0
                        ]
                    ) as is_met
                from measured
            ) as conditions
        inner join {{ ref('enterprise_risk_floor') }} as floor on conditions.floor_key = floor.floor_key
        where conditions.is_met
        group by conditions.enterprise_key
    ),

    banded as (
        select
            scored.*,
            measured.* exclude (enterprise_key, mildest_level_no),
            band.level_no as band_level_no,
            floors.floor_level_no,
            floors.floor_reason_zh
        from scored
        inner join measured on scored.enterprise_key = measured.enterprise_key
        left join floors on scored.enterprise_key = floors.enterprise_key
        left join
            {{ ref('enterprise_risk_band') }} as band
            on scored.score >= band.score_from
            and (band.score_below is null or scored.score < band.score_below)
    )

select
    {{ as_of() }} as as_of_on,
    banded.enterprise_key,
    banded.enterprise_name,
    banded.enterprise_kind,
    banded.field_key,
    banded.division_code,
    banded.inherent_points,
    banded.hazards_points,
    banded.overdue_points,
    banded.inspection_points,
    banded.equipment_points,
    banded.events_points,
    banded.score,
    banded.band_level_no,
    banded.floor_level_no,
    banded.floor_reason_zh,
    least(banded.band_level_no, coalesce(banded.floor_level_no, banded.band_level_no)) as level_no,
    rank() over (order by banded.score desc) as rank_no,
    banded.rated_level_no,
    banded.source_level_no,
    banded.open_hazards_n,
    banded.open_major_n,
    banded.overdue_major_n,
    banded.late_pct,
    banded.last_inspected_on,
    cast(banded.inspection_overdue_days as integer) as inspection_overdue_days,
    banded.equipment_overdue_n,
    banded.accidents_12m_n,
    banded.deaths_12m_n
from banded
