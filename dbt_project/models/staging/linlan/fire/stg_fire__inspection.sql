with
    delivered as (
        select inspection.*
        from {{ source('lake', 'fire__inspection') }} as inspection
        where not coalesce(inspection._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }}),

    -- A sheet is entered without what was put right; a version that has it is a later one.
    entries as (
        select
            delivered.inspection_no,
            min(delivered.updated_at) filter (where delivered.rectified_on is null) as entered_at
        from delivered
        group by delivered.inspection_no
    ),

    versions as (
        select
            delivered.*,
            row_number() over (
                partition by delivered.inspection_no
                order by
                    delivered.updated_at desc,
                    delivered.ds desc,
                    delivered._landed_at desc,
                    delivered._file desc,
                    delivered._record desc
            ) as newest_no
        from delivered
    )

select
    versions.inspection_no,
    'fire' as department_key,
    versions.inspected_at,
    {{ civil_date('versions.inspected_at') }} as inspected_on,
    versions.kind,
    replace(versions.uscc, 'O', '0') as uscc,
    versions.unit_title as unit_name,
    coalesce(versions.is_key_unit, false) as is_key_unit,
    versions.address_key as place_key,
    versions.grid_id,
    stated.division_code,
    versions.inspector_key,
    versions.findings_n,
    versions.finding_kind,
    entries.entered_at,
    date_diff('minute', versions.inspected_at, entries.entered_at) as minutes_n,
    -- A term that ends before it began has last year's number.
    case
        when versions.due_on < {{ civil_date('versions.inspected_at') }}
        then cast(versions.due_on + to_years(1) as date)
        else versions.due_on
    end as due_on,
    versions.rectified_on,
    versions.result,
    versions.ds as delivered_on,
    versions._landed_at as landed_at,
    versions._file as file_name,
    versions._record as record_no
from versions
inner join entries on versions.inspection_no = entries.inspection_no
left join stated on versions.area_code = stated.area_code
where versions.newest_no = 1
