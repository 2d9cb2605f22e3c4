select
    personal.dataset,
    personal.column_name,
    dataset.title_zh as dataset_title_zh,
    dataset.department,
    contract.owner,
    personal.title_zh as column_title_zh,
    personal.classification,
    personal.treatment,
    personal.is_kept as is_in_lake,
    personal.purpose,
    purpose.name_zh as purpose_zh,
    purpose.why as purpose_note,
    purpose.legal_basis,
    purpose.clause as legal_clause,
    contract.retention_days,
    {{ as_of() }} - contract.retention_days as raw_kept_from_on,
    personal.is_kept and purpose.purpose is null as is_unexplained
from {{ source('lake_build', 'columns') }} as personal
inner join {{ ref('openness') }} as class on personal.classification = class.classification
inner join {{ source('lake_build', 'contracts') }} as contract on personal.dataset = contract.dataset
inner join {{ source('lake_build', 'datasets') }} as dataset on personal.dataset = dataset.dataset
left join {{ ref('personal_purpose') }} as purpose on personal.purpose = purpose.purpose
where personal.purpose is not null or class.is_personal
