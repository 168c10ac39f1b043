/*
load: append
*/
select 1 as a
