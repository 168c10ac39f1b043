/*
load: inline
partition_by: day
cluster_by: [a]
checks:
  - not_null: a
*/
select 1 as a
