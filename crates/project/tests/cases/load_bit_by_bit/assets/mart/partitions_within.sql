/*
load: { partitions: [day] }
partition_by: [day, region]
*/
select 1 as id
