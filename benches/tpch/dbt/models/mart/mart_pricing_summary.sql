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
from {{ ref('clean_lineitem') }}
where shipped_on <= date '1998-09-02'
group by return_flag, line_status
