/*
checks:
  - not_null: a
    error: > 0.1%
*/
select 1 as a
