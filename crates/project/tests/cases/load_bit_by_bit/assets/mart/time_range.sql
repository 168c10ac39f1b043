/*
load: { time_range: { column: ts, grain: 1d, lookback: 3d } }
*/
select 1 as id
