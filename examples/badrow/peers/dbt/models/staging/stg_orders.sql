select
  order_id,
  lower(trim(customer)) as customer,
  ordered_on,
  amount::decimal(18, 2) as amount
from {{ source('raw', 'orders') }}
