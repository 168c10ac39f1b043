/*
load: { time_range: { column: ts, grain: 15m, start: 2013-01-01 } }
*/
select 1 as id
