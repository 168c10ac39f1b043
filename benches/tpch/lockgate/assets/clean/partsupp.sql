/*
checks:
  - unique: [part_id, supplier_id]
  - references: { part_id: clean.part.part_id }
  - references: { supplier_id: clean.supplier.supplier_id }
*/
select
  ps_partkey as part_id,
  ps_suppkey as supplier_id,
  ps_availqty as available,
  ps_supplycost as supply_cost
from raw.partsupp
