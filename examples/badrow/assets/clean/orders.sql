/*
description: Orders with customers spelt one way.
checks:
  - unique: [order_id]
  - parity: { with: raw.orders, compare: ["rows", "sum(amount)"] }
*/
select
  order_id,
  lower(trim(customer)) as customer,
  ordered_on,
  amount
from raw.orders
