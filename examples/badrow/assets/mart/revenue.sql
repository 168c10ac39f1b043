/*
description: What each customer has bought so far. Finance reads this table.
owner: finance-team
checks:
  - unique: [customer]
  - expect: "revenue >= 0"
    name: revenue_not_negative
*/
select
  customer,
  count(*) as orders,
  sum(amount) as revenue,
  max(ordered_on) as last_order_on
from clean.orders
group by customer
