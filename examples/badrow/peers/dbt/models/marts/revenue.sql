select
  customer,
  count(*) as orders,
  sum(amount) as revenue,
  max(ordered_on) as last_order_on
from {{ ref('stg_orders') }}
group by customer
