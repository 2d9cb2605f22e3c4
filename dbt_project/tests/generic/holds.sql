{# The expression holds in every row; a row in which it is NULL passes. #}
{% test holds(model, expression) %} select 1 as broken from {{ model }} where not ({{ expression }}) {% endtest %}
