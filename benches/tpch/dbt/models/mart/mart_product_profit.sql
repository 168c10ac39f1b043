-- TPC-H question 9.
select
  lines.supplier_nation as nation,
  extract(year from lines.ordered_on)::int as year,
  sum(lines.revenue - supply.supply_cost * lines.quantity) as profit
from {{ ref('core_order_lines') }} as lines
join {{ ref('core_supply') }} as supply on supply.part_id = lines.part_id and supply.supplier_id = lines.supplier_id
where lines.part_type like '%STEEL'
group by lines.supplier_nation, extract(year from lines.ordered_on)::int
