/*
description: One row per airport and UTC hour.
checks:
  - unique: [origin, hour_at]
  - parity: { with: raw.weather, compare: ["rows"] }
  - range: { wind_speed_mph: { min: 0, max: 200 } }
  - sql: |
      select origin, hour_at, previous_at
      from (
        select origin, hour_at, lag(hour_at) over (partition by origin order by hour_at) as previous_at
        from clean.weather
      ) as steps
      where hour_at > previous_at + interval '1 hour'
    name: hours_missing
*/
select
  origin,
  time_hour as hour_at,
  make_date(year, month, day)::timestamp + (hour::varchar || ' hours')::interval as local_hour,
  temp as temp_f,
  dewp as dew_point_f,
  humid as humidity_percent,
  wind_dir as wind_from_degrees,
  case when wind_speed <= 200 then wind_speed end as wind_speed_mph,  -- Newark reports 1,048 mph once
  wind_gust as wind_gust_mph,
  precip as precipitation_inches,
  pressure as pressure_mbar,
  visib as visibility_miles
from raw.weather
