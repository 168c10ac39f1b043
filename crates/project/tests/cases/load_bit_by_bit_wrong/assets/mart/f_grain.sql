/*
load: { time_range: { column: ts, grain: 7h } }
*/
select 1 as id
