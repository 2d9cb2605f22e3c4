-- A table: six companies' thousands of small files are read once.
{{ config(materialized='table') }}
with
    delivered as (
        {% for company in ['donghai', 'gangxin', 'huaran', 'minsheng', 'xingyuan', 'yuanwang'] -%}
            select '{{ company }}' as company_key, visit.*
            from {{ source('lake', 'gas__check_' ~ company) }} as visit
            where not coalesce(visit._is_withdrawn, false)
            {% if not loop.last -%}
                union all by name
            {% endif -%}
        {% endfor %}
    ),

    stated as ({{ divisions_stated('delivered') }})

select
    md5(delivered.company_key || '|' || delivered.visit_no) as visit_key,
    delivered.company_key,
    delivered.visit_no,
    delivered.user_key,
    delivered.address_key,
    delivered.checked_on,
    coalesce(result.is_in_order, false) as is_in_order,
    coalesce(result.is_hazard, false) as is_hazard,
    coalesce(result.is_absent, false) as is_absent,
    coalesce(result.is_refused, false) as is_refused,
    coalesce(result.is_remedied, false) as is_remedied,
    coalesce(hazard.hazard_grade_no, 0) as hazard_grade_no,
    -- Remedied before the visit that found it, or on a day that stands for none.
    case when delivered.fixed_on >= delivered.checked_on then delivered.fixed_on end as fixed_on,
    delivered.minutes_n,
    delivered.inspector_key,
    stated.division_code,
    delivered.ds as delivered_on,
    delivered._landed_at as landed_at,
    delivered._file as file_name,
    delivered._record as record_no
from delivered
left join
    {{ ref('gas_result') }} as result
    on delivered.company_key = result.company_key
    and trim(delivered.result_code) = result.source_value
left join
    {{ ref('gas_hazard_grade') }} as hazard
    on delivered.company_key = hazard.company_key
    and trim(delivered.hazard_code) = hazard.source_value
left join stated on delivered.area_code = stated.area_code
