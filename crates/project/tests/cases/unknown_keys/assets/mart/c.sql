/*
materialized: view
read: { path: x }
*/
select 1 as a
