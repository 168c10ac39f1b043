/*
checks:
  - unique: [customer_id, quarter]
  - references: { customer_id: clean.customer.customer_id }
*/
-- TPC-H question 10, for every quarter.
select
  customer_id,
  customer_nation,
  date_trunc('quarter', ordered_on)::date as quarter,
  sum(revenue) as revenue
from core.order_lines
where return_flag = 'R'
group by customer_id, customer_nation, date_trunc('quarter', ordered_on)::date
