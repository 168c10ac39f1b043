/*
load: { scd2: { key: id, vanished: drop } }
*/
select 1 as id
