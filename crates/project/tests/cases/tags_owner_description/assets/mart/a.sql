/*
tags: finance
owner: Ann
description: >
  Two lines
  that are one.
*/
select 1 as a
