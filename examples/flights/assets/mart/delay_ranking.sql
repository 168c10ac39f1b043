/*
description: Carriers by how late their flights arrive on average.
checks:
  - unique: [carrier]
  - not_null: [airline, place]
  - references: { carrier: raw.airlines.carrier }
  - range: { share_late: { min: 0, max: 1 } }
*/
with delays as (
  select
    carrier,
    count(*) as flights,
    avg(arrival_delay_min) as mean_arrival_delay_min,
    median(arrival_delay_min) as median_arrival_delay_min,
    count(*) filter (where arrival_delay_min > 15)::double / count(arrival_delay_min) as share_late
  from clean.flights
  group by carrier
)
select
  rank() over (order by delays.mean_arrival_delay_min desc) as place,
  delays.carrier,
  airlines.name as airline,
  delays.flights,
  delays.mean_arrival_delay_min,
  delays.median_arrival_delay_min,
  delays.share_late
from delays
left join raw.airlines as airlines on airlines.carrier = delays.carrier
