/*
tags:
checks:
owner: [a]
*/
select 1 as a
