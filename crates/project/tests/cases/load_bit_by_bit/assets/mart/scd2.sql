/*
load: { scd2: { key: id } }
*/
select 1 as id
