/*
load: { scd2: { key: [id, id] } }
*/
select 1 as id
