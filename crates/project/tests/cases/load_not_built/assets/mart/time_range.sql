/*
load: { time_range: { column: ts, grain: 1d, lookback: 3d } }
on_change: forward
*/
select 1 as a
