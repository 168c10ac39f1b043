/*
checks:
  - unique: [order_id]
  - expect: "revenue > 0"
*/
-- TPC-H question 3, without its limit.
select
  order_id,
  segment,
  ordered_on,
  sum(revenue) as revenue
from core.order_lines
where ordered_on < date '1995-03-15' and shipped_on > date '1995-03-15'
group by order_id, segment, ordered_on
