/*
*/
select 3 as c