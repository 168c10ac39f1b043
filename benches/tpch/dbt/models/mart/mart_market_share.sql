-- TPC-H question 8, for all nations, regions and types.
with volumes as (
  select
    extract(year from ordered_on)::int as year,
    customer_region as region,
    part_type,
    supplier_nation as nation,
    sum(revenue) as revenue
  from {{ ref('core_order_lines') }}
  group by extract(year from ordered_on)::int, customer_region, part_type, supplier_nation
)
select
  year,
  region,
  part_type,
  nation,
  revenue,
  revenue::double / sum(revenue::double) over (partition by year, region, part_type) as share
from volumes
