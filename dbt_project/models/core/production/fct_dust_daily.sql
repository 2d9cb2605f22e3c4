{{ config(
    enabled=fed_by('dust_hour'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'housing__dust_hour') }}"
) }}
with
    hours as (
        select
            input.*,
            row_number() over (
                partition by input.site_key, input.measured_at order by {{ newest_first('input') }}
            ) as newest_no
        from {{ ref('input_dust_hour') }} as input
        where {{ changed_days('input.delivered_on', 'housing__dust_hour') }}
    ),

    -- Numbers the runs of one value: the run goes on while the value does.
    steps as (
        select
            hours.*,
            case
                when
                    hours.pm10_ug_m3 = lag(hours.pm10_ug_m3) over (
                        partition by hours.site_key, hours.delivered_on order by hours.measured_at
                    )
                then 0
                else 1
            end as is_new_run
        from hours
        where hours.newest_no = 1
    ),

    runs as (
        select
            steps.*,
            sum(steps.is_new_run) over (
                partition by steps.site_key, steps.delivered_on
                order by steps.measured_at
                rows between unbounded preceding and current row
            ) as run_no
        from steps
    ),

    flat as (
        select
            runs.*,
            count(*) over (partition by runs.site_key, runs.delivered_on, runs.run_no)
            >= {{ threshold('dust_flat_hours') }} as is_flat
        from runs
    ),

    -- PM10 of a device that repeats itself is drawn from its PM2.5, which goes on, by the usual share of the good hours
    -- of the same day, of all devices.
    shares as (
        select
            flat.delivered_on,
            quantile_cont(cast(flat.pm2_5_ug_m3 / flat.pm10_ug_m3 as decimal(12, 6)), 0.5) as fine_share
        from flat
        where not flat.is_flat and flat.pm10_ug_m3 > 0
        group by flat.delivered_on
    ),

    judged as (
        select
            flat.*,
            case
                when flat.is_flat and shares.fine_share > 0
                then cast(flat.pm2_5_ug_m3 / shares.fine_share as decimal(9, 1))
                else flat.pm10_ug_m3
            end as judged_pm10_ug_m3
        from flat
        left join shares on flat.delivered_on = shares.delivered_on
    )

select
    judged.site_key,
    judged.day_on,
    min(judged.division_code) as division_code,
    cast(count(*) as integer) as hours_n,
    cast(
        count(*) filter (where judged.judged_pm10_ug_m3 > {{ threshold('dust_pm10_limit') }}) as integer
    ) as hours_over_n,
    cast(
        count(*) filter (where judged.judged_pm10_ug_m3 > {{ threshold('dust_pm10_red_limit') }}) as integer
    ) as hours_red_n,
    cast(count(*) filter (where judged.is_flat) as integer) as hours_flat_n,
    cast(count(*) filter (where judged.is_pm10_repaired) as integer) as hours_repaired_n,
    cast(sum(judged.judged_pm10_ug_m3) as decimal(18, 1)) as pm10_sum_ug_m3,
    max(judged.judged_pm10_ug_m3) as pm10_max_ug_m3,
    judged.delivered_on
from judged
group by judged.site_key, judged.day_on, judged.delivered_on
