with
    delivered as (
        select absence_day.*
        from {{ source('lake', 'education__absence_day') }} as absence_day
        where not coalesce(absence_day._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5('school|' || delivered.school_no) as school_key,
    delivered.school_title as school_name,
    delivered.school_level as level_name,
    delivered.absent_on,
    stated.division_code,
    delivered.pupils_n,
    -- Zeros without a time of report are those of a system that fills in what nobody reported.
    delivered.reported_at is not null and delivered.absent_n is not null as is_reported,
    case when delivered.reported_at is not null then delivered.absent_n end as absent_n,
    -- More with symptoms than absent is a slip of the pen: how many there were is not known.
    case
        when delivered.reported_at is not null and delivered.symptom_n <= delivered.absent_n then delivered.symptom_n
    end as symptom_n,
    case when delivered.reported_at is not null then delivered.symptom_kind end as symptom_name,
    delivered.reported_at,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join stated on delivered.area_code = stated.area_code
