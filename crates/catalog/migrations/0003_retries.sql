-- What a retry goes by: a run's request, the run whose unfinished tasks it takes up, and each task as it was planned.
-- Runs from before this have no task plans, and are not retried.

-- A JSON object, without the keys that have their defaults.
alter table runs add column request text not null default '{}';
alter table runs add column retry_of text;

-- A JSON object.
alter table tasks add column plan text;
