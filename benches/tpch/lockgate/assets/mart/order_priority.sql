/*
checks:
  - unique: [quarter, priority]
*/
-- TPC-H question 4, for every quarter.
select
  date_trunc('quarter', ordered_on)::date as quarter,
  priority,
  count(*) as orders
from clean.orders
where order_id in (select order_id from clean.lineitem where committed_on < received_on)
group by date_trunc('quarter', ordered_on)::date, priority
