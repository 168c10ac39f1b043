{% test row_count(model, min=0) %}
select count(*) as found from {{ model }} having count(*) < {{ min }}
{% endtest %}
