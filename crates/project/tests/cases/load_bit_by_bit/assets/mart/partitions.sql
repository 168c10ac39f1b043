/*
load: { partitions: day }
*/
select 1 as id
