{# None of these columns is ever NULL. One look at the table for all of them. #}
{% test complete(model, columns) %}
    select 1 as broken
    from {{ model }}
    where {% for column in columns %} {{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
