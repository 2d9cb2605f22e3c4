{{ config(enabled=fed_by('component', 'grid')) }}
with
    registers as (select distinct snapshot.ds from {{ ref('fct_component_snapshot') }} as snapshot),

    newest as (select max(registers.ds) as ds from registers),

    -- From one register to the next: what was not good and is good now was repaired.
    changes as (
        select
            snapshot.component_key,
            snapshot.ds,
            snapshot.is_good,
            lag(snapshot.is_good) over (partition by snapshot.component_key order by snapshot.ds) as was_good
        from {{ ref('fct_component_snapshot') }} as snapshot
    ),

    histories as (
        select
            changes.component_key,
            count(*) filter (where changes.is_good and not changes.was_good) as repairs_n,
            max(changes.ds) filter (where changes.is_good) as last_good_on
        from changes
        group by changes.component_key
    ),

    present as (
        select
            snapshot.*,
            bridge.scope_code,
            histories.repairs_n,
            date_diff('day', snapshot.recorded_on, snapshot.ds) as age_days,
            snapshot.recorded_on + to_years(cast({{ threshold('component_old_years') }} as integer))
            <= snapshot.ds as is_old,
            case when not snapshot.is_good then date_diff('day', histories.last_good_on, snapshot.ds) end as bad_days
        from {{ ref('fct_component_snapshot') }} as snapshot
        inner join newest on snapshot.ds = newest.ds
        inner join histories on snapshot.component_key = histories.component_key
        inner join
            {{ ref('bridge_division_scope') }} as bridge
            on snapshot.division_code is not distinct from bridge.division_code
    )

select
    present.ds as as_of_on,
    present.scope_code as division_code,
    present.component_type_key,
    min(present.component_type_zh) as component_type_zh,
    count(*) as components_n,
    count(*) filter (where present.is_good) as good_n,
    count(*) filter (where present.is_damaged) as damaged_n,
    count(*) filter (where present.is_missing) as missing_n,
    count(*) filter (where present.is_occupied) as occupied_n,
    {{ percent_of('count(*) filter (where present.is_good)', 'count(*)') }} as good_pct,
    cast(coalesce(sum(present.repairs_n), 0) as bigint) as repairs_n,
    cast(quantile_cont(present.age_days, 0.5) as decimal(10, 1)) as age_p50_days,
    cast(max(present.age_days) as bigint) as age_max_days,
    count(*) filter (where present.is_old) as old_n,
    cast(max(present.bad_days) as bigint) as bad_longest_days,
    count(*) filter (where present.owner_department_key is null) as without_owner_n,
    count(*) filter (where present.is_old_number) as old_number_n,
    count(*) filter (where present.is_other_county) as other_county_number_n
from present
group by present.ds, present.scope_code, present.component_type_key
