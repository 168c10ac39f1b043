-- TPC-H question 13.
with counts as (
  select customer.customer_id, count(orders.order_id) as orders
  from {{ ref('clean_customer') }} as customer
  left join {{ ref('clean_orders') }} as orders on orders.customer_id = customer.customer_id
  group by customer.customer_id
)
select orders, count(*) as customers
from counts
group by orders
