/*
owner: me
ownr: you
*/
select 1 as a
