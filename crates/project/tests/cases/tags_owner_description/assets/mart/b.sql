/*
tags: [a b, "x,y", ok]
owner: 42
description:
*/
select 1 as a
