/*
description: |
  The glob data/*.csv and the cron 0 5 * * * do no harm,
  nor does /* this */ in the middle of a line.
owner: me
*/

select 1 as a -- /* not settings */
