/*
checks:
  - unique: [part_id, supplier_id]
  - parity: { with: clean.partsupp, compare: ["rows"] }
*/
select
  partsupp.part_id,
  partsupp.supplier_id,
  partsupp.available,
  partsupp.supply_cost,
  (partsupp.available * partsupp.supply_cost)::decimal(18, 2) as stock_value,
  part.part_type,
  part.size,
  part.maker,
  supplier.supplier,
  supplier.nation,
  supplier.region,
  supplier.balance
from clean.partsupp as partsupp
join clean.part as part on part.part_id = partsupp.part_id
join clean.supplier as supplier on supplier.supplier_id = partsupp.supplier_id
