/*
partition_by: 3
cluster_by: [a, 1]
*/
select 1 as a
