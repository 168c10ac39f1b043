/*
load: append
*/
select 1 as id
