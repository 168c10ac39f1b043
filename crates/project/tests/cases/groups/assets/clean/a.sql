/*
tags: x
*/
select 1 as a
