/*
description: Each flight with the weather of its scheduled hour at its airport.
checks:
  - unique: [flown_on, carrier, flight, origin]
  - parity: { with: clean.flights, compare: ["rows"] }
  - not_null: weather_at
    name: without_weather
*/
select
  flights.flown_on,
  flights.carrier,
  flights.flight,
  flights.origin,
  flights.dest,
  flights.scheduled_at,
  flights.departure_delay_min,
  flights.cancelled,
  weather.hour_at as weather_at,
  weather.temp_f,
  weather.wind_speed_mph,
  weather.wind_gust_mph,
  weather.precipitation_inches,
  weather.visibility_miles
from clean.flights as flights
left join clean.weather as weather
  on weather.origin = flights.origin
  and weather.hour_at = flights.hour_at
