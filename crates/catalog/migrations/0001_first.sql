-- The catalog, first format. Instants are microseconds since 1970 in UTC. A migration is never edited after a
-- release: what changes comes in the next file.

-- The last number given out per asset. Numbers are never reused, so rows stay when versions go.
create table assets (
    environment text not null,
    asset text not null,
    last_number integer not null check (last_number > 0),
    primary key (environment, asset)
) strict, without rowid;

-- What was decided to be published together, before the first commit was put.
create table publications (
    id integer primary key autoincrement,
    environment text not null,
    actor text not null,
    why text,
    retract integer not null check (retract in (0, 1)),
    lease_key text not null,
    lease_epoch integer not null,
    begun_at integer not null,
    finished_at integer
) strict;

-- What is queried of versions. The rest is in `documents`, so that these rows stay small.
create table versions (
    environment text not null,
    asset text not null,
    number integer not null,
    state text not null check (state in
        ('staged', 'publishing', 'published', 'held', 'dismissed', 'superseded', 'retracted', 'expired', 'failed')),
    run text,
    actor text not null,
    fingerprint text not null,
    checks_fingerprint text not null,
    -- A JSON object, asset to number.
    inputs text not null,
    rows integer not null,
    size_bytes integer not null,
    base integer,
    base_delta_version integer,
    delta_version integer,
    staged_at integer not null,
    published_at integer,
    as_of integer not null,
    why text,
    restores integer,
    build_ms integer not null,
    audit_ms integer not null,
    candidate_key text not null,
    checks_passed integer not null,
    checks_warned integer not null,
    checks_known integer not null,
    checks_suppressed integer not null,
    checks_failed integer not null,
    checks_errored integer not null,
    publication integer references publications (id),
    primary key (environment, asset, number),
    check (state <> 'published' or (published_at is not null and delta_version is not null))
) strict;

-- One index per state that is looked for: each stays as small as the versions in that state. The unique ones are
-- invariants: an asset has at most one live version, one held one, and one on its way.
create unique index versions_live on versions (environment, asset) where state = 'published';
create unique index versions_held on versions (environment, asset) where state = 'held';
create unique index versions_publishing on versions (environment, asset) where state = 'publishing';
create index versions_staged on versions (environment, asset, number) where state = 'staged';
-- For what was live at an instant.
create index versions_published_at on versions (environment, asset, published_at) where published_at is not null;
create index versions_publication on versions (publication) where publication is not null;

-- The whole version as JSON. `format` is the number of the JSON's shape, so that an old one can be read for ever.
-- State, base, Delta versions, `published_at` and `why` are those of `versions`; the document has them as they were
-- when it was written.
create table documents (
    environment text not null,
    asset text not null,
    number integer not null,
    format integer not null,
    document text not null,
    primary key (environment, asset, number),
    foreign key (environment, asset, number) references versions (environment, asset, number)
) strict;

-- Outcomes of checks and profiles by version, for queries and trends; sample rows are in the document alone.
create table checks (
    environment text not null,
    asset text not null,
    version integer not null,
    position integer not null,
    name text not null,
    kind text not null,
    section text,
    severity text not null,
    state text not null,
    failing integer not null,
    total integer not null,
    share real not null,
    message text not null,
    excuse text,
    primary key (environment, asset, version, position)
) strict, without rowid;

create table profiles (
    environment text not null,
    asset text not null,
    version integer not null,
    position integer not null,
    name text not null,
    nulls integer not null,
    distinct_values integer,
    min text,
    max text,
    mean real,
    -- A JSON list: the 5, 25, 50, 75 and 95 % quantiles.
    quantiles text,
    primary key (environment, asset, version, position)
) strict, without rowid;

create table runs (
    id text primary key,
    environment text not null,
    actor text not null,
    state text not null check (state in ('running', 'done', 'held', 'failed', 'interrupted')),
    as_of integer not null,
    plan_hash text not null,
    -- A JSON object, asset to number.
    pins text not null,
    started_at integer not null,
    ended_at integer
) strict;

create index runs_started on runs (environment, started_at, id);

create table tasks (
    run text not null references runs (id),
    asset text not null,
    state text not null check (state in
        ('waiting', 'running', 'published', 'unchanged', 'held', 'failed', 'skipped', 'interrupted')),
    attempts integer not null,
    version integer,
    started_at integer,
    ended_at integer,
    message text,
    primary key (run, asset)
) strict, without rowid;

create table events (
    sequence integer primary key autoincrement,
    run text,
    event text not null,
    at integer not null,
    asset text,
    version integer,
    -- A JSON object: the event's own fields.
    data text not null
) strict;

create index events_run on events (run, sequence);

-- A free lease keeps its row and its epoch: an epoch never falls.
create table leases (
    key text primary key,
    holder text,
    epoch integer not null,
    beat integer not null
) strict, without rowid;

create table audit (
    sequence integer primary key autoincrement,
    at integer not null,
    actor text not null,
    action text not null,
    environment text,
    asset text,
    version integer,
    why text,
    -- JSON: the action's own fields; null when there are none.
    detail text
) strict;

create index audit_asset on audit (environment, asset, sequence);

create trigger audit_is_not_changed before update on audit
begin
    select raise(abort, 'the audit log is append-only');
end;

create trigger audit_is_not_shortened before delete on audit
begin
    select raise(abort, 'the audit log is append-only');
end;

create table suppressions (
    sequence integer primary key autoincrement,
    environment text not null,
    asset text not null,
    check_name text not null,
    actor text not null,
    why text not null,
    made_at integer not null,
    until integer not null,
    limit_text text,
    unique (environment, asset, check_name, actor, made_at)
) strict;

create table late (
    environment text not null,
    asset text not null,
    check_name text not null,
    message text not null,
    since integer not null,
    newest text,
    primary key (environment, asset)
) strict, without rowid;

-- What an asset was last published from.
create table code (
    environment text not null,
    asset text not null,
    fingerprint text not null,
    code text not null,
    primary key (environment, asset)
) strict;

create table plan_cache (
    sequence integer primary key autoincrement,
    key text not null unique,
    value text not null
) strict;
