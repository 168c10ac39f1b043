/*
load: { scd2: { key: id } }
on_change: rebuild
*/
select 1 as id
