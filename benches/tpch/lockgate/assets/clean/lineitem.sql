/*
checks:
  - unique: [order_id, line_number]
  - not_null: [part_id, supplier_id]
  - references: { order_id: clean.orders.order_id }
  - accepted: { return_flag: [A, N, R] }
  - range: { discount: { min: 0, max: 0.1 } }
  - expect: "received_on > shipped_on"
*/
select
  l_orderkey as order_id,
  l_linenumber as line_number,
  l_partkey as part_id,
  l_suppkey as supplier_id,
  l_quantity as quantity,
  l_extendedprice as price,
  l_discount as discount,
  (l_extendedprice * (1 - l_discount))::decimal(18, 4) as revenue,
  (l_extendedprice * (1 - l_discount) * (1 + l_tax))::decimal(18, 6) as charge,
  l_returnflag as return_flag,
  l_linestatus as line_status,
  l_shipdate as shipped_on,
  l_commitdate as committed_on,
  l_receiptdate as received_on,
  l_shipmode as ship_mode
from raw.lineitem
