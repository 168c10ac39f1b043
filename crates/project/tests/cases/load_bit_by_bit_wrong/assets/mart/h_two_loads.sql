/*
load: { merge: { key: id }, scd2: { key: id } }
*/
select 1 as id
