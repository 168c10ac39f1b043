/*
description: Where one can fly to, how far and how long it is, and how often it goes wrong.
checks:
  - unique: [origin, dest]
  - range: { flights: { min: 1 } }
  - not_null: destination
    severity: warn
*/
select
  flights.origin,
  flights.dest,
  airports.airport as destination,
  count(*) as flights,
  max(flights.distance_miles) as distance_miles,
  avg(flights.air_time_min) as mean_air_time_min,
  avg(flights.arrival_delay_min) as mean_arrival_delay_min,
  count(*) filter (where flights.cancelled) as cancelled,
  count(*) filter (where flights.diverted) as diverted
from clean.flights as flights
left join clean.airports as airports on airports.code = flights.dest
group by flights.origin, flights.dest, airports.airport
