/*
load: { append: { from: raw.orders } }
*/
select 1 as id
