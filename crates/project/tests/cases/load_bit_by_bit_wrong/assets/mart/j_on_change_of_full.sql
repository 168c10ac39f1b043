/*
on_change: forward
*/
select 1 as id
