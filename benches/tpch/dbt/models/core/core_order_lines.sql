select
  lineitem.order_id,
  lineitem.line_number,
  orders.customer_id,
  lineitem.supplier_id,
  lineitem.part_id,
  orders.ordered_on,
  orders.priority,
  lineitem.shipped_on,
  lineitem.quantity,
  lineitem.price,
  lineitem.revenue,
  lineitem.return_flag,
  customer.segment,
  customer.nation as customer_nation,
  customer.region as customer_region,
  supplier.nation as supplier_nation,
  part.brand,
  part.part_type
from {{ ref('clean_lineitem') }} as lineitem
join {{ ref('clean_orders') }} as orders on orders.order_id = lineitem.order_id
left join {{ ref('clean_customer') }} as customer on customer.customer_id = orders.customer_id
left join {{ ref('clean_supplier') }} as supplier on supplier.supplier_id = lineitem.supplier_id
left join {{ ref('clean_part') }} as part on part.part_id = lineitem.part_id
