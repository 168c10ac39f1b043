-- TPC-H question 11, for every nation.
with values_of_nations as (
  select nation, sum(stock_value) as stock_value
  from {{ ref('core_supply') }}
  group by nation
),
values_of_parts as (
  select nation, part_id, sum(stock_value) as stock_value
  from {{ ref('core_supply') }}
  group by nation, part_id
)
select
  parts.nation,
  parts.part_id,
  parts.stock_value
from values_of_parts as parts
join values_of_nations as nations on nations.nation = parts.nation
where parts.stock_value > nations.stock_value * 0.0001
