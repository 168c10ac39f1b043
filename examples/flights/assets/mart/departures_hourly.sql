/*
description: One series per airport and carrier, one row per UTC hour, nights included as zeros; made for forecasts.
cluster_by: [origin, carrier, hour_at]
checks:
  - unique: [origin, carrier, hour_at]
  - expect: "departed <= scheduled"
  - sql: |
      select hourly.scheduled, flights.flights
      from (select sum(scheduled) as scheduled from mart.departures_hourly) as hourly
      cross join (select count(*) as flights from clean.flights) as flights
      where hourly.scheduled <> flights.flights
    name: every_flight_counted
*/
with hours as (
  select unnest(generate_series(min(hour_at), max(hour_at), interval '1 hour')) as hour_at
  from clean.flights
),
series as (
  select distinct origin, carrier from clean.flights
),
counts as (
  select
    origin,
    carrier,
    hour_at,
    count(*) as scheduled,
    count(departed_at) as departed
  from clean.flights
  group by origin, carrier, hour_at
)
select
  series.origin,
  series.carrier,
  hours.hour_at,
  coalesce(counts.scheduled, 0) as scheduled,
  coalesce(counts.departed, 0) as departed
from series
cross join hours
left join counts
  on counts.origin = series.origin
  and counts.carrier = series.carrier
  and counts.hour_at = hours.hour_at
