-- the highest load of each day
select day, max(load_mw) as peak_mw from clean.load_hourly where ts >= $since group by day
