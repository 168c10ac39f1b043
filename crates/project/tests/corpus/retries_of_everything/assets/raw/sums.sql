/*
retries: 2
load: { merge: { key: id } }
checks:
  - unique: id
*/
select id, sum(amount) as amount from raw.orders group by id
