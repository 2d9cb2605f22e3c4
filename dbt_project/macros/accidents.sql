{# Grade of an accident, 1 the gravest: the worst of deaths, injured and loss by the bounds in force on its day. #}
{% macro accident_grade(deaths, injured, loss_cny, day_on) -%}
    (
        select min(grade.grade_no)
        from {{ ref('std_accident_grade') }} as grade
        where
            grade.valid_from <= {{ day_on }}
            and (grade.valid_to is null or {{ day_on }} < grade.valid_to)
            and (
                {{ deaths }} >= grade.deaths_from_n
                or {{ injured }} >= grade.injuries_from_n
                or {{ loss_cny }} >= grade.loss_from_cny
            )
    )
{%- endmacro %}
