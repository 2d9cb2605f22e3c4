{{ config(enabled=fed_by('fire_incident', 'case', 'inspection', 'business', 'grid')) }}
{%- set parts = ['past', 'lane', 'charging', 'facility', 'finding', 'unseen', 'frail'] %}
with
    spans as (
        select
            {{ as_of() }} as as_of_on,
            cast(
                {{ as_of() }} - to_months(cast({{ threshold('fire_past_months') }} as integer)) as date
            ) as past_from_on,
            cast({{ as_of() }} - to_days(cast({{ threshold('fire_sign_days') }} as integer)) as date) as signs_from_on
    ),

    grids as (
        select grid.grid_id, grid.name_zh, grid.division_code, grid.residents_n, grid.elderly80_n
        from {{ ref('dim_grid') }} as grid
        where grid.is_current
    ),

    fires as (
        select fire.grid_id, count(*) as fires_n, sum(fire.deaths_n) as deaths_n, sum(fire.loss_cny) as loss_cny
        from {{ ref('fct_fire_incident') }} as fire
        cross join spans
        where fire.is_fire and fire.alarmed_on > spans.past_from_on
        group by fire.grid_id
    ),

    signs as (
        select
            incident.grid_id,
            count(*) filter (where sign.is_lane) as lane_n,
            count(*) filter (where sign.is_charging) as charging_n,
            count(*) filter (where sign.is_facility) as facility_n
        from {{ ref('fct_case') }} as incident
        inner join {{ ref('fire_sign') }} as sign on incident.category_key = sign.category_key
        cross join spans
        where
            incident.created_on > spans.signs_from_on
            and not incident.is_void
            and incident.duplicate_of_case_key is null
        group by incident.grid_id
    ),

    -- Of each thing inspected the newest visit of fire and rescue.
    visits as (
        select
            inspection.grid_id,
            inspection.object_key,
            max(inspection.inspected_on) as last_inspected_on,
            sum(inspection.findings_n) filter (where inspection.inspected_on > spans.past_from_on) as findings_n
        from {{ ref('fct_inspection') }} as inspection
        inner join {{ ref('fire_department') }} as department on inspection.department_key = department.department_key
        cross join spans
        where not inspection.is_self
        group by inspection.grid_id, inspection.object_key
    ),

    inspections as (
        select
            visits.grid_id,
            count(*) as inspected_objects_n,
            cast(coalesce(sum(visits.findings_n), 0) as bigint) as findings_n,
            max(visits.last_inspected_on) as last_inspected_on
        from visits
        group by visits.grid_id
    ),

    measured as (
        select
            spans.as_of_on,
            grids.*,
            coalesce(fires.fires_n, 0) as fires_n,
            coalesce(fires.deaths_n, 0) as deaths_n,
            fires.loss_cny,
            coalesce(signs.lane_n, 0) as lane_n,
            coalesce(signs.charging_n, 0) as charging_n,
            coalesce(signs.facility_n, 0) as facility_n,
            coalesce(inspections.inspected_objects_n, 0) as inspected_objects_n,
            coalesce(inspections.findings_n, 0) as findings_n,
            inspections.last_inspected_on,
            -- Who was never seen has gone unseen for the longest.
            coalesce(
                date_diff('day', inspections.last_inspected_on, spans.as_of_on), {{ threshold('fire_unseen_days') }}
            ) as unseen_days
        from grids
        cross join spans
        left join fires on grids.grid_id = fires.grid_id
        left join signs on grids.grid_id = signs.grid_id
        left join inspections on grids.grid_id = inspections.grid_id
    ),

    -- Each part from 0 to 100: where the grid stands among all of the city; a grid without any of it has 0.
    ranked as (
        select
            measured.*,
            cast(100 * percent_rank() over (order by measured.fires_n) as decimal(5, 1)) as past_score,
            cast(100 * percent_rank() over (order by measured.lane_n) as decimal(5, 1)) as lane_score,
            cast(100 * percent_rank() over (order by measured.charging_n) as decimal(5, 1)) as charging_score,
            cast(100 * percent_rank() over (order by measured.facility_n) as decimal(5, 1)) as facility_score,
            cast(100 * percent_rank() over (order by measured.findings_n) as decimal(5, 1)) as finding_score,
            cast(
                100
                * least(measured.unseen_days, {{ threshold('fire_unseen_days') }})
                / {{ threshold('fire_unseen_days') }} as decimal(5, 1)
            ) as unseen_score,
            cast(
                100 * percent_rank() over (
                    order by coalesce(measured.elderly80_n * 1.0 / nullif(measured.residents_n, 0), 0)
                ) as decimal(5, 1)
            ) as frail_score
        from measured
    ),

    scored as (
        select
            ranked.*,
            cast(
                (
                    {%- for part in parts %}
                        ranked.{{ part }}_score * {{ threshold('fire_weight_' ~ part) }}{{ ' +' if not loop.last }}
                    {%- endfor %}
                ) / (
                    {%- for part in parts %}
                        {{ threshold('fire_weight_' ~ part) }}{{ ' +' if not loop.last }}
                    {%- endfor %}
                ) as decimal(5, 1)
            ) as risk_score
        from ranked
    )

select
    scored.as_of_on,
    scored.grid_id,
    scored.name_zh as grid_name,
    scored.division_code,
    scored.residents_n,
    scored.fires_n as fires_12m_n,
    cast(scored.deaths_n as bigint) as fire_deaths_12m_n,
    cast(scored.loss_cny as decimal(18, 2)) as fire_loss_12m_cny,
    scored.lane_n as lane_cases_90d_n,
    scored.charging_n as charging_cases_90d_n,
    scored.facility_n as facility_cases_90d_n,
    scored.inspected_objects_n,
    scored.findings_n as findings_12m_n,
    scored.last_inspected_on,
    {% for part in parts -%} scored.{{ part }}_score, {% endfor -%}
    scored.risk_score,
    (
        select min(level.level_no)
        from {{ ref('std_fire_risk_level') }} as level
        where
            scored.risk_score >= level.score_from
            and level.valid_from <= scored.as_of_on
            and (level.valid_to is null or scored.as_of_on < level.valid_to)
    ) as level_no,
    rank() over (order by scored.risk_score desc) as rank_no
from scored
