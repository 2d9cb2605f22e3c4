{# Value of a dated threshold in force on the build's day: one yardstick for every window of a build. #}
{% macro threshold(threshold_id) -%}
    (
        select threshold.value
        from {{ ref('threshold') }} as threshold
        where
            threshold.threshold_id = '{{ threshold_id }}'
            and threshold.valid_from <= {{ as_of() }}
            and (threshold.valid_to is null or {{ as_of() }} < threshold.valid_to)
    )
{%- endmacro %}
