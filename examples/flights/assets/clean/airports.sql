/*
description: Airports by their three letters.
checks:
  - unique: [code]
  - not_null: [airport, latitude, longitude]
  - parity: { with: raw.airports, compare: ["rows"] }
*/
select
  faa as code,
  trim(name) as airport,
  lat as latitude,
  lon as longitude,
  alt as altitude_feet,
  tzone as timezone
from raw.airports
