/*
tags: [finance]
*/
select 1 as a
