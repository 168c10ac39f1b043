/*
description: One row per flight, with instants in UTC and delays in minutes.
checks:
  - unique: [flown_on, carrier, flight, origin]
  - not_null: [hour_at, scheduled_at]
  - parity: { with: raw.flights, compare: ["rows", "sum(flight)"] }
  - references: { carrier: raw.airlines.carrier }
  - references: { tailnum: clean.planes.tailnum }
  - references: { dest: clean.airports.code }
  - not_null: tailnum
  - matches: { tailnum: "^N" }
    severity: warn
  # Some flights never leave. That is the business, not a fault; far more of them than usual would be one.
  - not_null: departed_at
    name: cancelled
    warn: "> 0"
    error: "> 10%"
  - expect: "not cancelled or arrival_delay_min is null"
    name: cancelled_never_arrives
*/
select
  make_date(year, month, day) as flown_on,
  carrier,
  flight,
  tailnum,
  origin,
  dest,
  time_hour as hour_at,
  time_hour + (minute::varchar || ' minutes')::interval as scheduled_at,
  time_hour + ((minute + dep_delay)::varchar || ' minutes')::interval as departed_at,
  dep_time is null as cancelled,
  dep_time is not null and arr_delay is null as diverted,
  dep_delay as departure_delay_min,
  arr_delay as arrival_delay_min,
  air_time as air_time_min,
  distance as distance_miles
from raw.flights
