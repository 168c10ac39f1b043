/*
checks:
  - unique: [customer_id]
  - not_null: nation
  - accepted: { segment: [AUTOMOBILE, BUILDING, FURNITURE, HOUSEHOLD, MACHINERY] }
  - matches: { phone: "^[0-9]{2}-[0-9]{3}-[0-9]{3}-[0-9]{4}$" }
*/
select
  customer.c_custkey as customer_id,
  customer.c_name as customer,
  customer.c_address as address,
  customer.c_phone as phone,
  customer.c_acctbal as balance,
  customer.c_mktsegment as segment,
  nation.n_name as nation,
  region.r_name as region
from raw.customer as customer
left join raw.nation as nation on nation.n_nationkey = customer.c_nationkey
left join raw.region as region on region.r_regionkey = nation.n_regionkey
