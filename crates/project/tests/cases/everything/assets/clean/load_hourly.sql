/*
description: One row per region and hour, no gaps.
load: full
partition_by: [day]
cluster_by: [region, ts]
owner: grid-team
checks:
  - unique: [region, ts]
  - not_null: [region, ts, load_mw]
  - parity: { with: raw.load, compare: ["rows", "sum(load_mw)"], tolerance: 0.1% }
*/
select region, ts, load_mw, cast(ts as date) as day from raw.load
