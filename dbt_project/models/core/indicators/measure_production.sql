{{ config(enabled=fed_by('hazard', 'equipment', 'enterprise', 'major_hazard_day')) }}
-- What stood at the end of each window; the windows of a part are those of the catalogue.
with
    windows as (
        select distinct
            catalogue.indicator_id,
            catalogue.part,
            coalesce(catalogue.variant, '') as variant,
            indicator_window.window_kind,
            indicator_window.first_on,
            indicator_window.last_on
        from ({{ indicator_windows() }}) as indicator_window
        inner join
            {{ ref('indicator_part') }} as catalogue
            on list_contains(string_split(catalogue.windows, ' '), indicator_window.window_kind)
    ),

    last_days as (
        select distinct windows.indicator_id, windows.window_kind, windows.first_on, windows.last_on from windows
    ),

    places as (
        select division.division_code, level.scope
        from {{ ref('dim_admin_division') }} as division
        inner join {{ ref('division_level') }} as level on division.level_no = level.level_no
    ),

    -- Hidden dangers
    -- ------------------------------------------------------------------------------------------------------
    stock as (
        select
            last_days.window_kind,
            last_days.first_on,
            last_days.last_on,
            bridge.scope_code as division_code,
            count(*) as open_n,
            count(*) filter (
                where last_days.last_on - hazard.found_on > {{ threshold('hazard_old_days') }}
            ) as open_old_n,
            quantile_cont(last_days.last_on - hazard.found_on, 0.5) as age_p50,
            quantile_cont(last_days.last_on - hazard.found_on, 0.9) as age_p90
        from {{ ref('fct_hazard_item') }} as hazard
        inner join
            last_days
            on hazard.found_on <= last_days.last_on
            and (hazard.closed_on is null or hazard.closed_on > last_days.last_on)
        inner join (select 'I08' as indicator_id) as this on last_days.indicator_id = this.indicator_id
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on hazard.division_code is not distinct from bridge.division_code
        group by last_days.window_kind, last_days.first_on, last_days.last_on, bridge.scope_code
    ),

    hazard_values as (
        select
            'I08' as indicator_id,
            unnest(['open', 'open_old', 'age_p50', 'age_p90']) as part,
            '' as variant,
            stock.window_kind,
            stock.first_on,
            stock.last_on,
            stock.division_code,
            unnest([stock.open_n, stock.open_old_n, stock.age_p50, stock.age_p90]) as value,
            cast(null as bigint) as numerator,
            cast(null as bigint) as denominator
        from stock
    ),

    -- Special equipment
    -- ---------------------------------------------------------------------------------------------------
    lists as (select distinct snapshot.listed_on from {{ ref('fct_equipment_due_snapshot') }} as snapshot),

    -- The list that speaks for the last day, or the next one: it says of each device whether it was inspected since.
    -- The one before says what held until then.
    list_of_window as (
        select
            last_days.window_kind,
            last_days.first_on,
            last_days.last_on,
            min(lists.listed_on) filter (where lists.listed_on >= last_days.last_on) as next_listed_on,
            max(lists.listed_on) filter (where lists.listed_on < last_days.last_on) as previous_listed_on
        from last_days
        inner join (select 'I17' as indicator_id) as this on last_days.indicator_id = this.indicator_id
        cross join lists
        group by last_days.window_kind, last_days.first_on, last_days.last_on
    ),

    devices as (
        select
            list_of_window.window_kind,
            list_of_window.first_on,
            list_of_window.last_on,
            device.division_code,
            device.is_in_use,
            case
                when device.last_inspected_on > list_of_window.last_on and previous.equipment_key is not null
                then previous.next_inspection_on
                else device.next_inspection_on
            end as due_on
        from list_of_window
        inner join {{ ref('fct_equipment_due_snapshot') }} as device on list_of_window.next_listed_on = device.listed_on
        left join
            {{ ref('fct_equipment_due_snapshot') }} as previous
            on list_of_window.previous_listed_on = previous.listed_on
            and device.equipment_key = previous.equipment_key
    ),

    equipment_values as (
        select
            'I17' as indicator_id,
            'equipment_overdue_rate' as part,
            '' as variant,
            devices.window_kind,
            devices.first_on,
            devices.last_on,
            bridge.scope_code as division_code,
            cast(count(*) filter (where devices.due_on < devices.last_on) as double) / count(*) as value,
            count(*) filter (where devices.due_on < devices.last_on) as numerator,
            count(*) as denominator
        from devices
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on devices.division_code is not distinct from bridge.division_code
        where devices.is_in_use
        group by devices.window_kind, devices.first_on, devices.last_on, bridge.scope_code
    ),

    -- The list of risks
    -- ---------------------------------------------------------------------------------------------------
    of_list as (
        select last_days.window_kind, last_days.first_on, last_days.last_on
        from last_days
        inner join (select 'I19' as indicator_id) as this on last_days.indicator_id = this.indicator_id
    ),

    standing as (
        select
            of_list.window_kind,
            of_list.first_on,
            of_list.last_on,
            coalesce(now.hazard_source_key, then_.hazard_source_key) as hazard_source_key,
            coalesce(now.division_code, then_.division_code) as division_code,
            now.level_no as level_no,
            then_.level_no as level_then_no,
            now.hazard_source_key is not null as is_on,
            then_.hazard_source_key is not null as was_on
        from of_list
        cross join
            (select distinct source.hazard_source_key from {{ ref('dim_major_hazard_source') }} as source) as source
        left join
            {{ ref('fct_major_hazard_day') }} as now
            on of_list.last_on = now.day_on
            and source.hazard_source_key = now.hazard_source_key
        left join
            {{ ref('fct_major_hazard_day') }} as then_
            on cast(of_list.first_on - 1 as date) = then_.day_on
            and source.hazard_source_key = then_.hazard_source_key
        where now.hazard_source_key is not null or then_.hazard_source_key is not null
    ),

    flags as (
        select
            standing.*, colour.warning_colour_en, coalesce(standing.level_no = colour.level_no, false) as is_of_colour
        from standing
        cross join {{ ref('std_event_level') }} as colour
    ),

    risk_rows as (
        select
            standing.window_kind,
            standing.first_on,
            standing.last_on,
            standing.division_code,
            unnest(['risks', 'added', 'removed', 'raised', 'lowered']) as part,
            '' as variant,
            unnest(
                [
                    standing.is_on,
                    standing.is_on and not standing.was_on,
                    standing.was_on and not standing.is_on,
                    coalesce(standing.level_no < standing.level_then_no, false),
                    coalesce(standing.level_no > standing.level_then_no, false)
                ]
            ) as is_counted
        from standing
        union all
        select
            flags.window_kind,
            flags.first_on,
            flags.last_on,
            flags.division_code,
            'risks' as part,
            flags.warning_colour_en as variant,
            flags.is_of_colour as is_counted
        from flags
    ),

    risk_values as (
        select
            'I19' as indicator_id,
            risk_rows.part,
            risk_rows.variant,
            risk_rows.window_kind,
            risk_rows.first_on,
            risk_rows.last_on,
            bridge.scope_code as division_code,
            count(*) filter (where risk_rows.is_counted) as value,
            cast(null as bigint) as numerator,
            cast(null as bigint) as denominator
        from risk_rows
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on risk_rows.division_code is not distinct from bridge.division_code
        group by
            risk_rows.part,
            risk_rows.variant,
            risk_rows.window_kind,
            risk_rows.first_on,
            risk_rows.last_on,
            bridge.scope_code
    ),

    measured as (
        select hazard_values.*
        from hazard_values
        union all by name
        select equipment_values.*
        from equipment_values
        union all by name
        select risk_values.*
        from risk_values
    ),

    -- The day from which a part can be said at all: a list that was never delivered says nothing of a window.
    spoken as (
        select 'I08' as indicator_id, min(hazard.delivered_on) as from_on, max(hazard.delivered_on) as until_on
        from {{ ref('fct_hazard_item') }} as hazard
        union all
        select 'I19' as indicator_id, min(source.first_on) as from_on, max(source.last_on) as until_on
        from {{ ref('dim_major_hazard_source') }} as source
    )

select
    windows.indicator_id,
    windows.part,
    windows.variant,
    windows.window_kind,
    windows.first_on,
    windows.last_on,
    places.scope,
    places.division_code,
    -- A count of what is not there is nought; an age or a share of nothing is nothing.
    case when catalogue.is_count then coalesce(measured.value, 0) else measured.value end as value,
    cast(
        coalesce(measured.numerator, case when catalogue.is_count then coalesce(measured.value, 0) end) as decimal(
            24, 6
        )
    ) as numerator,
    cast(measured.denominator as decimal(24, 6)) as denominator
from windows
inner join
    {{ ref('production_measure') }} as catalogue
    on windows.indicator_id = catalogue.indicator_id
    and windows.part = catalogue.part
cross join places
left join spoken on windows.indicator_id = spoken.indicator_id
left join
    measured
    on windows.indicator_id = measured.indicator_id
    and windows.part = measured.part
    and windows.variant = measured.variant
    and windows.window_kind = measured.window_kind
    and windows.first_on = measured.first_on
    and windows.last_on = measured.last_on
    and places.division_code = measured.division_code
where
    case
        when catalogue.is_count
        then windows.last_on between spoken.from_on and spoken.until_on
        else measured.value is not null
    end
