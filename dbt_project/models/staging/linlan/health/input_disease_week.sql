with
    delivered as (
        select disease_week.*
        from {{ source('lake', 'health__disease_week') }} as disease_week
        where not coalesce(disease_week._is_withdrawn, false)
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5(
        'disease|' || delivered.disease_code || '|' || delivered.week_on || '|' || delivered.area_code
    ) as disease_week_key,
    delivered.disease_code as disease_key,
    delivered.disease_title as disease_name,
    delivered.disease_class as class_name,
    delivered.week_on,
    stated.division_code,
    delivered.cases_n,
    coalesce(basis.is_by_onset, true) as is_by_onset,
    delivered.updated_at as version_at,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join {{ ref('count_basis') }} as basis on delivered.basis = basis.basis
left join stated on delivered.area_code = stated.area_code
