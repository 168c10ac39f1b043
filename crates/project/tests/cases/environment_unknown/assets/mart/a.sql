/*
ownr: me
*/
select 1 as a
