{% test expect(model, expression) %}
select * from {{ model }} where not ({{ expression }})
{% endtest %}
