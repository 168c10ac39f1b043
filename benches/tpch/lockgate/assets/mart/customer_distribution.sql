/*
checks:
  - unique: [orders]
  - sql: |
      select total.customers
      from (select sum(customers) as customers from mart.customer_distribution) as total
      cross join (select count(*) as customers from clean.customer) as all_of_them
      where total.customers <> all_of_them.customers
    name: every_customer_counted
*/
-- TPC-H question 13.
with counts as (
  select customer.customer_id, count(orders.order_id) as orders
  from clean.customer as customer
  left join clean.orders as orders on orders.customer_id = customer.customer_id
  group by customer.customer_id
)
select orders, count(*) as customers
from counts
group by orders
