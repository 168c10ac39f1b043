/*
checks:
  - unique: [year, nation]
  - expect: "revenue > 0"
*/
-- TPC-H question 5, for every year.
select
  extract(year from ordered_on)::int as year,
  customer_region as region,
  customer_nation as nation,
  sum(revenue) as revenue
from core.order_lines
where customer_nation = supplier_nation
group by extract(year from ordered_on)::int, customer_region, customer_nation
