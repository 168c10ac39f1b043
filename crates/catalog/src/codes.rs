//! The catalog's diagnostics.

use lockgate_types::Code;

/// All of them, by number.
pub const CODES: &[&Code] = &[
    &LOCKED,
    &CORRUPT,
    &NEWER,
    &READ_ONLY,
    &DISK_FULL,
    &IO,
    &DATABASE,
    &FENCED,
    &BASE_MOVED,
    &PUBLISHING,
    &INCOMPLETE,
    &STATE,
    &RUN_ENDED,
    &NOT_FOUND,
    &INJECTED,
    &UNSTORABLE,
];

pub(crate) const LOCKED: Code = Code {
    id: "LG0601",
    title: "the catalog is locked",
    text: "The catalog is one SQLite file that several processes share; each writes for milliseconds at a time and \
waits its turn. Another process kept the file locked for longer than Lockgate waits (30 seconds). Nothing was \
changed.\n\n\
Usually a tool has the file open in a transaction (a database browser, a backup), or a process was stopped in the \
middle of a write (`SIGSTOP`, a suspended laptop in a shared folder). Close it and try again:\n\n\
```\nlsof .lockgate/catalog.db\n```\n\n\
SQLite's locks do not work on most network file systems: keep `.lockgate` on a local disk, or use a Postgres \
catalog.\n",
};

pub(crate) const CORRUPT: Code = Code {
    id: "LG0602",
    title: "the catalog is damaged",
    text: "What stands in the catalog's file is not what Lockgate wrote: it is not an SQLite database, a page of \
it is damaged, or a stored document cannot be read. Lockgate stops rather than guess.\n\n\
Your tables are not touched by this: they are plain Delta tables under `STORE/tables`, and every version has its \
own `version.json` beside its files. Let Lockgate restore versions, checks and profiles from the store; the damaged \
file is kept beside the new one:\n\n\
```\nlockgate doctor --rebuild --why 'the disk failed'\n```\n\n\
The journal of runs, the audit log and suppressions are not restored.\n",
};

pub(crate) const NEWER: Code = Code {
    id: "LG0603",
    title: "the catalog was written by a newer lockgate",
    text: "A newer Lockgate has changed the catalog's format. An older one does not open it, because it could \
overwrite what it does not know of. Use the newer program; there is no way back to the old format other than a \
copy of the file from before.\n",
};

pub(crate) const READ_ONLY: Code = Code {
    id: "LG0604",
    title: "the catalog cannot be written",
    text: "Lockgate writes the catalog's file, `catalog.db`, and creates files beside it (`catalog.db-wal`, \
`catalog.db-shm`, `catalog.db.lock`), also for commands that only look: readers and writers meet in those files. \
The file or its folder does not allow it: the user lacks permission, or the file system is mounted read-only.\n\n\
```\nls -ld .lockgate .lockgate/catalog.db\n```\n",
};

pub(crate) const DISK_FULL: Code = Code {
    id: "LG0605",
    title: "no space left for the catalog",
    text: "The file system that holds the catalog is full. The change at hand was rolled back and everything \
before it stands. Free some space and run again; Lockgate goes on where it stopped.\n",
};

pub(crate) const IO: Code = Code {
    id: "LG0606",
    title: "the catalog's file or folder cannot be reached",
    text: "The operating system refused something that Lockgate needs to open the catalog, such as creating its \
folder. The message has the path and the system's own words.\n",
};

pub(crate) const DATABASE: Code = Code {
    id: "LG0607",
    title: "the catalog's database failed",
    text: "SQLite answered with an error that Lockgate has no better word for; the message has it, with SQLite's \
result code. A code with `10` in its lowest byte (`disk I/O error`) points at the disk or the file system.\n",
};

pub(crate) const FENCED: Code = Code {
    id: "LG0608",
    title: "another worker took over",
    text: "Workers hold a lease on what they change and show that they live by a heartbeat. This one's heartbeat \
stood still for too long (a sleeping laptop, a stopped process), so another worker took the lease over, with a \
higher epoch. Everything that this one still tries is refused by its old epoch. Nothing is lost or doubled: the \
other worker goes on.\n",
};

pub(crate) const BASE_MOVED: Code = Code {
    id: "LG0609",
    title: "the version was judged against what is no longer live",
    text: "Checks such as `change` compare a candidate with the live version. Between the judgement and the \
publication another version went live, so the judgement no longer holds, and the version is not published. A held \
version can be published by hand only as long as its base is live.\n\n\
```\nlockgate run mart.daily        # builds and judges a new candidate\n```\n",
};

pub(crate) const PUBLISHING: Code = Code {
    id: "LG0610",
    title: "another version is being published",
    text: "An asset publishes one version at a time. Another one was begun and not finished, because a worker is \
at it right now or a process was killed in between. The next `lockgate run` or `lockgate doctor` completes it; \
then try again.\n",
};

pub(crate) const INCOMPLETE: Code = Code {
    id: "LG0611",
    title: "a group would switch in part",
    text: "The versions of a `group` go live in one transaction. Something asked to finish a part of them alone, \
which Lockgate refuses. `lockgate doctor` completes the publication whole.\n",
};

pub(crate) const STATE: Code = Code {
    id: "LG0612",
    title: "the version's state does not allow it",
    text: "A version goes from `staged` to `publishing` to `published`, or from `staged` to `held` and from there \
to `published` by hand or `dismissed`. What was asked for starts from another state than the one the version is \
in, for example publishing a version that was dismissed, or dismissing one that is live. Often somebody else was \
quicker.\n\n\
```\nlockgate history mart.daily\n```\n",
};

pub(crate) const RUN_ENDED: Code = Code {
    id: "LG0613",
    title: "the run has already ended",
    text: "A run ends once. Another process recorded its end before, for example because it took the run for dead. \
What the run published stands either way.\n",
};

pub(crate) const NOT_FOUND: Code = Code {
    id: "LG0614",
    title: "the catalog does not know it",
    text: "There is no such version or run in the catalog, in this environment. Each environment has its own \
versions: `--env` chooses.\n\n\
```\nlockgate history mart.daily --env dev\n```\n",
};

pub(crate) const INJECTED: Code = Code {
    id: "LG0615",
    title: "an injected fault",
    text: "`LOCKGATE_FAULTS` names a step that is made to fail. Tests set it to prove that nothing is lost at any \
step; unset it.\n",
};

pub(crate) const UNSTORABLE: Code = Code {
    id: "LG0616",
    title: "a version's document cannot be stored",
    text: "Before a version's document is stored, Lockgate reads it back as it would be read later. This one would \
not have come back, so it was refused, and nothing was changed. It is a mistake in Lockgate or in a kind (a number \
that JSON has no form for, such as `NaN`): please report it with the message.\n",
};
