/*
retries: 0
*/
select 1 as a
