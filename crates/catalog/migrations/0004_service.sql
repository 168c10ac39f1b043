-- What a server keeps: tokens, schedules, the outbox of alerts, and answers to requests that may be repeated; and
-- indexes for the pages that it shows.

create table tokens (
    id text primary key,
    name text not null,
    role text not null check (role in ('viewer', 'operator', 'admin')),
    -- BLAKE3 of the secret, hexadecimal. The secret is stored nowhere.
    hash text not null unique,
    made_by text not null,
    made_at integer not null,
    expires_at integer,
    revoked_at integer,
    -- The beginning of the minute.
    last_used_at integer
) strict;

-- What the project's files do not say of a schedule. A row comes when there is something to keep.
create table schedules (
    environment text not null,
    name text not null,
    done_until integer,
    last_run text,
    paused_by text,
    paused_at integer,
    paused_why text,
    primary key (environment, name),
    check ((paused_by is null) = (paused_at is null) and (paused_by is null) = (paused_why is null))
) strict, without rowid;

-- The outbox. Rows stay when they are sent: by their ids, nothing is told twice.
create table deliveries (
    -- The order of their coming.
    sequence integer primary key autoincrement,
    environment text not null,
    id text not null,
    alert integer not null,
    receiver text not null,
    kind text not null,
    asset text,
    run text,
    -- JSON.
    body text not null,
    -- The same in a sentence.
    text text not null,
    state text not null check (state in ('waiting', 'sent', 'given_up')),
    attempts integer not null,
    made_at integer not null,
    due_at integer not null,
    sent_at integer,
    last_error text,
    unique (environment, id)
) strict;

create index deliveries_waiting on deliveries (environment, due_at) where state = 'waiting';
create index deliveries_newest on deliveries (environment, sequence);

-- Up to which line of the audit log and which event of the journal the outbox has read.
create table told (
    environment text primary key,
    audit integer not null,
    event integer not null
) strict;

create table answers (
    key text primary key,
    request_hash text not null,
    -- When it was claimed.
    at integer not null,
    -- Both null while the request is at work.
    status integer,
    -- JSON.
    body text,
    check ((status is null) = (body is null))
) strict;

create index answers_at on answers (at);

-- A task's environment is that of its run. It is here as well, so that an index finds an asset's tasks without those
-- of other environments.
alter table tasks add column environment text;
update tasks set environment = (select environment from runs where id = run);

create index tasks_asset on tasks (environment, asset, run, state);
create index runs_state on runs (environment, state, started_at, id);
create index runs_actor on runs (environment, actor, started_at, id);
