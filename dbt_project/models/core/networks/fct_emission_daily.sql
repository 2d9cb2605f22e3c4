{{ config(
    enabled=fed_by('emission_hour'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('date_on', 'environment__emission_hour') }}"
) }}
with
    hours as (
        select
            input.*,
            -- A permit does not change within a day: what an hour leaves out the others say.
            max(input.limit_value) over (
                partition by input.outfall_no, input.pollutant, input.measured_on
            ) as limit_of_day
        from {{ ref('input_emission_hour') }} as input
        where {{ changed_days('input.delivered_on', 'environment__emission_hour') }}
    ),

    days as (
        select
            hours.outfall_no,
            hours.pollutant,
            hours.measured_on,
            min(hours.uscc) as uscc,
            min(hours.division_code) as division_code,
            min(hours.medium_zh) as medium_zh,
            min(hours.unit) as unit,
            min(hours.limit_of_day) as limit_value,
            count(*) as delivered_n,
            count(hours.value) filter (where hours.is_valid) as hours_n,
            sum(hours.value) filter (where hours.is_valid) as sum_value,
            max(hours.value) filter (where hours.is_valid) as max_value,
            count(*) filter (where hours.is_valid and hours.value > hours.limit_of_day) as hours_over_n,
            sum(hours.flow_m3h) as flow_m3,
            bool_or(hours.is_stopped) as says_stopped
        from hours
        group by hours.outfall_no, hours.pollutant, hours.measured_on
    )

select
    days.outfall_no as outfall_key,
    days.pollutant,
    days.measured_on as date_on,
    days.uscc,
    days.division_code,
    days.medium_zh,
    days.unit,
    cast(days.limit_value as decimal(18, 4)) as limit_value,
    cast(days.sum_value / nullif(days.hours_n, 0) as decimal(18, 4)) as mean_value,
    cast(days.max_value as decimal(18, 4)) as max_value,
    cast(days.hours_n as integer) as hours_n,
    cast(days.hours_over_n as integer) as hours_over_n,
    cast(days.delivered_n - days.hours_n as integer) as hours_not_valid_n,
    days.hours_n >= {{ threshold('emission_day_hours') }} as is_valid,
    coalesce(days.sum_value > days.limit_value * days.hours_n, false) as is_mean_over,
    -- An hour more is an hour more, whatever is missing: of the means only those of a valid day count by themselves.
    coalesce(
        days.sum_value > days.limit_value * days.hours_n or days.hours_over_n >= {{ threshold('emission_hours_over') }},
        false
    ) as is_over,
    cast(days.flow_m3 as decimal(18, 2)) as flow_m3,
    days.says_stopped
from days
