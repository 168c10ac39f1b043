/*
load: { scd2: { key: id, deletes: close } }
*/
select 1 as id
