/*
description: Planes with makers spelt one way.
checks:
  - unique: [tailnum]
  - range: { seats: { min: 1, max: 600 } }
  - parity: { with: raw.planes, compare: ["rows"] }
*/
select
  tailnum,
  year as built_in,
  type as plane_type,
  case
    when manufacturer like 'AIRBUS%' then 'AIRBUS'
    when manufacturer like 'MCDONNELL DOUGLAS%' then 'MCDONNELL DOUGLAS'
    when manufacturer like 'CANADAIR%' then 'CANADAIR'
    else manufacturer
  end as manufacturer,
  model,
  engines,
  seats,
  engine
from raw.planes
