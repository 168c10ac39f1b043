/*
load: { merge: { key: [] } }
*/
select 1 as id
