-- TPC-H question 7, for all pairs of nations.
select
  supplier_nation,
  customer_nation,
  extract(year from shipped_on)::int as year,
  sum(revenue) as revenue
from {{ ref('core_order_lines') }}
group by supplier_nation, customer_nation, extract(year from shipped_on)::int
