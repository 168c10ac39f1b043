/*
partition_by: [day, day]
cluster_by: { a: asc }
*/
select 1 as a
