/*
load: { time_range: { column: ts, grain: daily, lookback: long, start: soon } }
*/
select 1 as id
