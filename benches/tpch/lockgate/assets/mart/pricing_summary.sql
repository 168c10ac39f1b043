/*
checks:
  - unique: [return_flag, line_status]
  - range: { mean_discount: { min: 0, max: 0.1 } }
*/
-- TPC-H question 1.
select
  return_flag,
  line_status,
  sum(quantity) as quantity,
  sum(price) as price,
  sum(revenue) as revenue,
  sum(charge) as charge,
  avg(quantity::double) as mean_quantity,
  avg(price::double) as mean_price,
  avg(discount::double) as mean_discount,
  count(*) as lines
from clean.lineitem
where shipped_on <= date '1998-09-02'
group by return_flag, line_status
