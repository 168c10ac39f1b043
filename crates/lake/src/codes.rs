//! The diagnostics of this crate, and the points at which its durable steps can be made to fail.

use lockgate_types::{Code, FaultPoint};

/// Every diagnostic of this crate; `lockgate explain` prints their texts.
pub const CODES: &[&Code] = &[
    &READ_ONLY,
    &FULL,
    &IO,
    &MISSING,
    &DAMAGED,
    &NOT_EXCLUSIVE,
    &UNSUPPORTED,
    &LOG_LOST,
    &COMMIT_DIFFERS,
    &PUBLISHED,
    &PARTITION,
    &SCHEMA,
    &INTERRUPTED,
];

pub(crate) static READ_ONLY: Code = Code {
    id: "LG0501",
    title: "the store cannot be written",
    text: "Lockgate keeps its tables in the folder that `store:` in `lockgate.yml` names, `./store` unless you say \
otherwise. This user may not write there, or the file system is mounted read-only. Nothing was changed.\n\n\
Look at the owner and the mount:\n\n```sh\nls -ld store\nfindmnt --target store\n```",
};

pub(crate) static FULL: Code = Code {
    id: "LG0502",
    title: "the store is full",
    text: "A file could not be written because the disk, or this user's quota, is full. What is published stays as it \
is: a version becomes visible only after all of its files are safely on disk. Free some space and run again.\n\n\
```sh\ndf -h store\nlockgate gc\n```",
};

pub(crate) static IO: Code = Code {
    id: "LG0503",
    title: "the store failed",
    text: "Reading or writing the store failed for a reason that the operating system gives in the message. Nothing \
that is published was changed; running again is safe.",
};

pub(crate) static MISSING: Code = Code {
    id: "LG0504",
    title: "a file of a table is gone",
    text: "A version is a list of Parquet files below `STORE/tables/SCHEMA/TABLE/_lockgate/`. One of them, or an entry of \
the table's log, was removed or renamed by something else than Lockgate. Restore it from a backup, or build the asset \
again:\n\n```sh\nlockgate run mart.daily --force\n```",
};

pub(crate) static DAMAGED: Code = Code {
    id: "LG0505",
    title: "a file of a table is damaged",
    text: "The file is there, but it cannot be read as what it should be: a Parquet file without a footer, an entry of \
the log that is not JSON, a `version.json` of a newer Lockgate. Files are written once and never changed, so something \
else changed it, or the disk lost data. Restore it from a backup, or build the asset again with `--force`.",
};

pub(crate) static NOT_EXCLUSIVE: Code = Code {
    id: "LG0506",
    title: "the store lets a second writer overwrite",
    text: "A commit is an entry of the table's log that is created only if it is absent. Lockgate tried to create one file \
twice, and the second attempt succeeded, so two runs at once could overwrite each other's commits. Some network file \
systems and old S3 look-alikes behave so. Choose another store.",
};

pub(crate) static UNSUPPORTED: Code = Code {
    id: "LG0507",
    title: "a foreign table needs more than is supported",
    text: "The folder of this asset holds a Delta table that somebody else made or changed, and its protocol asks for \
something that Lockgate does not do: deletion vectors, column mapping, change data feed, generated columns and the \
like. Reading or writing it without them would give wrong rows, so it is refused. Move the folder away (the next run \
makes the table anew), or turn the feature off with the tool that turned it on.",
};

pub(crate) static LOG_LOST: Code = Code {
    id: "LG0508",
    title: "entries of a table's log are gone",
    text: "The log of a table, `_delta_log/`, is shorter than what Lockgate has published to it. Committing would leave a \
hole that no reader can pass, so it is refused. Restore the folder from a backup, or let `lockgate doctor` say what \
is left.",
};

pub(crate) static COMMIT_DIFFERS: Code = Code {
    id: "LG0509",
    title: "a version was prepared twice with different files",
    text: "The commit of a version is written beside its files before it is published, so that whoever finds a half-done \
publication can finish it with the same bytes. The bytes found there name other files than the version does. This \
should not happen; please report it. Dismiss the version and run again.",
};

pub(crate) static PUBLISHED: Code = Code {
    id: "LG0510",
    title: "a published version cannot be discarded",
    text: "The staged folder of a version is removed only if no commit refers to it. This version is in the table's log. \
`lockgate gc` removes old versions as `keep:` allows.",
};

pub(crate) static PARTITION: Code = Code {
    id: "LG0511",
    title: "a column cannot partition the table",
    text: "`partition_by` puts the rows of each value into a folder of its own, and the value is kept as text. That works for \
booleans, integers, decimals, strings, dates and timestamps, not for doubles, binary, json, lists and structs; at \
least one column has to stay outside. An empty string cannot be told from null there, so a row that has one is \
refused rather than changed:\n\n```sql\nselect nullif(region, '') as region, …\n```",
};

pub(crate) static SCHEMA: Code = Code {
    id: "LG0512",
    title: "rows do not fit the version's columns",
    text: "A build handed over rows whose columns differ from the ones it announced. This is a mistake in Lockgate, or in a \
plug-in kind; please report it.",
};

pub(crate) static INTERRUPTED: Code = Code {
    id: "LG0513",
    title: "work on the store was interrupted",
    text: "A step ended before it was done: the process was asked to stop, or a test made the step fail. Nothing that is \
published was changed; running again is safe.",
};

/// Operations that are counted: of a whole run, any one can be made to fail.
pub const COUNTED: &[FaultPoint] = &[OPERATION];

pub(crate) const OPERATION: FaultPoint = FaultPoint {
    name: "store.op",
    means: "one operation of the store, of its files and folders, or of the object store over them",
};

/// The durable steps of this crate. A test lists them and fails on any that none fired.
pub const FAULT_POINTS: &[FaultPoint] = &[
    FILE_STAGED,
    VERSION_RECORDED,
    PARTS_WRITTEN,
    PIECE_KEPT,
    COMMIT_PREPARED,
    BEFORE_PUT,
    AFTER_PUT,
    CHECKPOINT,
    CHECKPOINTED,
    BEFORE_DISCARD,
    DISCARDED,
    BEFORE_REMOVE,
    REMOVING,
    REMOVED,
];

pub(crate) const FILE_STAGED: FaultPoint =
    FaultPoint { name: "lake.file_staged", means: "one staged Parquet file is closed and synced" };
pub(crate) const VERSION_RECORDED: FaultPoint =
    FaultPoint { name: "lake.version_recorded", means: "version.json is on disk beside the staged files" };
pub(crate) const PARTS_WRITTEN: FaultPoint =
    FaultPoint { name: "lake.parts_written", means: "what an audit found in files is on disk beside them" };
pub(crate) const PIECE_KEPT: FaultPoint =
    FaultPoint { name: "lake.piece_kept", means: "a piece of what a build made is kept for one that comes after it" };
pub(crate) const COMMIT_PREPARED: FaultPoint =
    FaultPoint { name: "lake.commit_prepared", means: "the commit's bytes are on disk beside the staged files" };
pub(crate) const BEFORE_PUT: FaultPoint =
    FaultPoint { name: "lake.before_put", means: "everything is ready, and the log has no commit yet" };
pub(crate) const AFTER_PUT: FaultPoint =
    FaultPoint { name: "lake.after_put", means: "the log has the commit, and nobody was told" };
pub(crate) const CHECKPOINT: FaultPoint =
    FaultPoint { name: "lake.checkpoint", means: "a checkpoint is due and not yet begun" };
pub(crate) const CHECKPOINTED: FaultPoint =
    FaultPoint { name: "lake.checkpointed", means: "the checkpoint is written, and nobody was told" };
pub(crate) const BEFORE_DISCARD: FaultPoint =
    FaultPoint { name: "lake.before_discard", means: "a staged folder is about to be removed" };
pub(crate) const DISCARDED: FaultPoint =
    FaultPoint { name: "lake.discarded", means: "a staged folder is removed, and nobody was told" };
pub(crate) const BEFORE_REMOVE: FaultPoint =
    FaultPoint { name: "lake.before_remove", means: "files that nobody needs are about to be removed" };
pub(crate) const REMOVING: FaultPoint =
    FaultPoint { name: "lake.removing", means: "one of the files is removed, others may still be there" };
pub(crate) const REMOVED: FaultPoint =
    FaultPoint { name: "lake.removed", means: "the files and their empty folders are removed, and nobody was told" };
