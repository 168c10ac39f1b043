/*
load: { merge: {} }
*/
select 1 as id
