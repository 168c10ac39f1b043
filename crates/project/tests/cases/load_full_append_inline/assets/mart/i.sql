/*
load: inline
*/
select 1 as a
