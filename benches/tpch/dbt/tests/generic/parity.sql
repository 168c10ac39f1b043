{% test parity(model, other, compare) %}
select * from (select {{ compare | join(', ') }} from {{ model }})
except
select * from (select {{ compare | join(', ') }} from {{ other }})
{% endtest %}
