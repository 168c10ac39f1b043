/*
load: { scd2: { key: [id], updated_at: seen_at, vanished: keep } }
*/
select 1 as id
