/*
tags: x
gate: no
*/
select 1 as a
