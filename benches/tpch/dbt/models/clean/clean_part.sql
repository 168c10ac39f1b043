select
  p_partkey as part_id,
  p_name as part,
  p_mfgr as maker,
  p_brand as brand,
  p_type as part_type,
  p_size as size,
  p_container as container,
  p_retailprice as retail_price
from {{ source('raw', 'part') }}
