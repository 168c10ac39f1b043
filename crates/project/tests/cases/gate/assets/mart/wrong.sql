/*
gate: warn
*/
select 1 as a
