/*
checks:
  - unique: [order_id, line_number]
  - not_null: [customer_nation, supplier_nation]
  - parity: { with: clean.lineitem, compare: ["rows", "sum(revenue)"] }
*/
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
from clean.lineitem as lineitem
join clean.orders as orders on orders.order_id = lineitem.order_id
left join clean.customer as customer on customer.customer_id = orders.customer_id
left join clean.supplier as supplier on supplier.supplier_id = lineitem.supplier_id
left join clean.part as part on part.part_id = lineitem.part_id
