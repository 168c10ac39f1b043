/*
load: { partitions: [day] }
partition_by: region
*/
select 1 as id
