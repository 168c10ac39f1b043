/*
checks:
  - unique: [part_id]
  - range: { size: { min: 1, max: 50 } }
  - matches: { brand: "^Brand#[1-5][1-5]$" }
*/
select
  p_partkey as part_id,
  p_name as part,
  p_mfgr as maker,
  p_brand as brand,
  p_type as part_type,
  p_size as size,
  p_container as container,
  p_retailprice as retail_price
from raw.part
