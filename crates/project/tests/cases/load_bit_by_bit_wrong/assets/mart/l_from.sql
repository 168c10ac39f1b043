/*
load: { append: { from: orders } }
*/
select 1 as id
