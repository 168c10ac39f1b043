-- Retention. Every marking of expired versions raises the epoch, and each of them keeps the one it was marked at: a
-- reader who came at that epoch or later cannot have pinned it.
create table epoch (
    only_row integer primary key check (only_row = 1),
    value integer not null
) strict;

insert into epoch (only_row, value) values (1, 0);

alter table versions add column expired_epoch integer;

-- When it stopped being live, or was given up. Retention counts its days from here.
alter table versions add column ended_at integer;

update versions set ended_at = (
    select max(at) from audit a
    where a.environment = versions.environment and a.asset = versions.asset and a.version = versions.number
        and a.action in ('superseded', 'retracted', 'dismissed', 'failed')
) where state in ('superseded', 'retracted', 'dismissed', 'failed');
