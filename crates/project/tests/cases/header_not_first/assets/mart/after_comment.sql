-- daily
/*
owner: me
*/
select 1 as a
