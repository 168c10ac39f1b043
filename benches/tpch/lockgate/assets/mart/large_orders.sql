/*
checks:
  - unique: [order_id]
*/
-- TPC-H question 18, from 250 pieces on.
with large as (
  select order_id, sum(quantity) as quantity
  from clean.lineitem
  group by order_id
  having sum(quantity) > 250
)
select
  orders.order_id,
  customer.customer_id,
  customer.customer,
  orders.ordered_on,
  orders.total_price,
  large.quantity
from large
join clean.orders as orders on orders.order_id = large.order_id
join clean.customer as customer on customer.customer_id = orders.customer_id
