/*
description: Flights, cancellations and delays per local day and airport.
checks:
  - unique: [flown_on, origin]
  - expect: "departed + cancelled = flights"
  - sql: "select flown_on from mart.daily_flights group by flown_on having count(*) <> 3"
    name: every_airport_every_day
  - change: { rows: 50% }
    severity: warn
*/
select
  flown_on,
  origin,
  count(*) as flights,
  count(*) filter (where not cancelled) as departed,
  count(*) filter (where cancelled) as cancelled,
  avg(departure_delay_min) as mean_departure_delay_min,
  avg(arrival_delay_min) as mean_arrival_delay_min,
  max(departure_delay_min) as worst_departure_delay_min,
  count(*) filter (where arrival_delay_min > 15) as arrived_late
from clean.flights
group by flown_on, origin
