/*
partition_by: day
cluster_by: [region, ts]
*/
select 1 as a
