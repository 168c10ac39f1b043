/*
load:
  merge: { key: [id, region], deletes: gone }
on_change: forward
*/
select 1 as id
