{{ config(
    enabled=fed_by('equipment'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_days('delivered_on', 'market__equipment') }}"
) }}
with
    listed as (
        select
            input.*,
            row_number() over (
                partition by input.equipment_key, input.delivered_on
                order by input.landed_at desc, input.file_name desc, input.record_no desc
            ) as newest_no
        from {{ ref('input_equipment') }} as input
        where {{ changed_days('input.delivered_on', 'market__equipment') }}
    ),

    -- A device without a day of its next inspection has the usual term of its kind on the same list.
    terms as (
        select
            listed.delivered_on,
            listed.equipment_kind,
            cast(quantile_disc(listed.next_due_on - listed.last_inspected_on, 0.5) as integer) as term_days
        from listed
        where listed.next_due_on is not null and listed.last_inspected_on is not null
        group by listed.delivered_on, listed.equipment_kind
    )

select
    listed.equipment_key,
    listed.delivered_on as ds,
    listed.listed_on,
    listed.equipment_code,
    listed.equipment_kind as equipment_type,
    listed.is_lift,
    listed.user_firm,
    listed.uscc,
    listed.address_key,
    listed.made_on,
    listed.last_inspected_on,
    coalesce(listed.next_due_on, cast(listed.last_inspected_on + terms.term_days as date)) as next_inspection_on,
    listed.next_due_on is null as is_due_derived,
    listed.equipment_status as status,
    listed.is_in_use,
    listed.latitude,
    listed.longitude,
    listed.division_code,
    listed.delivered_on
from listed
left join
    terms
    on listed.delivered_on = terms.delivered_on
    and listed.equipment_kind is not distinct from terms.equipment_kind
where listed.newest_no = 1
