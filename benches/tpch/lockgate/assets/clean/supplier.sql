/*
checks:
  - unique: [supplier_id]
  - not_null: nation
*/
select
  supplier.s_suppkey as supplier_id,
  supplier.s_name as supplier,
  supplier.s_address as address,
  supplier.s_phone as phone,
  supplier.s_acctbal as balance,
  nation.n_name as nation,
  region.r_name as region
from raw.supplier as supplier
left join raw.nation as nation on nation.n_nationkey = supplier.s_nationkey
left join raw.region as region on region.r_regionkey = nation.n_regionkey
