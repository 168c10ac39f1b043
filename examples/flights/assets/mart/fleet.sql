/*
description: What the known planes do, by maker and model.
checks:
  - unique: [manufacturer, model]
  - range: { planes: { min: 1 } }
  - range: { mean_age_years: { min: 0, max: 60 } }
*/
select
  planes.manufacturer,
  planes.model,
  count(distinct flights.tailnum) as planes,
  count(*) as flights,
  avg(extract(year from flights.flown_on) - planes.built_in) as mean_age_years,
  sum(planes.seats)::bigint as seats_offered,
  avg(flights.departure_delay_min) as mean_departure_delay_min
from clean.flights as flights
join clean.planes as planes on planes.tailnum = flights.tailnum
where not flights.cancelled
group by planes.manufacturer, planes.model
