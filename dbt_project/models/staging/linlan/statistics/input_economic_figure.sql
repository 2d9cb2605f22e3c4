-- A table: the fact looks at neighbouring months.
{{ config(materialized='table') }}
select
    figure.indicator_code as series_code,
    figure.indicator_name as series_name_zh,
    coalesce(place.division_code, figure.area_code) as division_code,
    cast(strptime(figure.period, '%Y%m') as date) as month_on,
    figure.unit,
    figure.value,
    figure.value_cumulative,
    figure.growth_pct,
    coalesce(scope.is_cumulative, false) as says_cumulative,
    coalesce(version.is_final, false) as is_final,
    figure.ds as delivered_on,
    figure._landed_at as landed_at,
    figure._file as file_name,
    figure._record as record_no
from {{ source('lake', 'statistics__indicator_month') }} as figure
left join {{ ref('stg_division_code') }} as place on figure.area_code = place.code
left join {{ ref('figure_scope') }} as scope on figure.cumulative_flag = scope.source_value
left join {{ ref('figure_version') }} as version on figure.version = version.source_value
