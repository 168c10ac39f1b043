-- TPC-H question 2, for every region and part.
with cheapest as (
  select region, part_id, min(supply_cost) as supply_cost
  from {{ ref('core_supply') }}
  group by region, part_id
)
select
  supply.region,
  supply.part_id,
  supply.supplier_id,
  supply.supplier,
  supply.nation,
  supply.supply_cost,
  supply.balance
from {{ ref('core_supply') }} as supply
join cheapest
  on cheapest.region = supply.region
  and cheapest.part_id = supply.part_id
  and cheapest.supply_cost = supply.supply_cost
