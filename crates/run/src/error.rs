//! What can go wrong in planning and running.

use lockgate_types::{AssetName, Code, Diagnostic, Diagnostics, Fault, FaultKind, VersionNumber};

/// What a caller can act on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The project, a query or the arguments are wrong: exit code 2.
    #[error("{0}")]
    Invalid(Diagnostics),
    /// Something went wrong while doing it: exit code 1.
    #[error("{0}")]
    Failed(Diagnostics),
    #[error("no asset is named {name}")]
    UnknownAsset { name: AssetName, suggestion: Option<String> },
    #[error("{asset} has no version {number}")]
    UnknownVersion { asset: AssetName, number: VersionNumber },
    #[error("version {number} of {asset} has expired: its files were removed")]
    Expired { asset: AssetName, number: VersionNumber },
    #[error("{asset} has no held version")]
    NothingHeld { asset: AssetName },
    #[error("version {held} of {asset} is held by now, not version {expected}")]
    AnotherHeld { asset: AssetName, expected: VersionNumber, held: VersionNumber },
    #[error("{asset} has no published version")]
    NothingPublished { asset: AssetName },
    #[error("{asset} version {number} cannot be published: {reason}")]
    CannotPublish { asset: AssetName, number: VersionNumber, reason: String },
    #[error("{asset} is being changed by {holder}")]
    Busy { asset: AssetName, holder: String },
    #[error("{asset} version {number} was published by somebody else since this run was planned")]
    Overtaken { asset: AssetName, number: VersionNumber },
    #[error("this process lost its lease on {asset} to another one")]
    Fenced { asset: AssetName },
    #[error(transparent)]
    Catalog(#[from] lockgate_catalog::CatalogError),
    #[error(transparent)]
    Lake(#[from] lockgate_lake::LakeError),
    #[error(transparent)]
    Engine(#[from] lockgate_engine::EngineError),
    #[error(transparent)]
    Checks(#[from] lockgate_checks::ChecksError),
    #[error(transparent)]
    Kind(#[from] lockgate_kind::KindError),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("interrupted")]
    Interrupted,
}

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $text:literal;)*) => {
        $(pub(crate) static $name: Code = Code { id: $id, title: $title, text: $text };)*
        /// The diagnostics of this crate.
        pub const CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    UNKNOWN_ASSET = "LG0701", "no such asset",
        "The command names an asset that the project does not have. Names are `schema.table`: the first folder under `assets/` and the file's stem. `lockgate status` lists them.";
    UNKNOWN_VERSION = "LG0702", "no such version",
        "The asset has no version of that number. Numbers are counted per asset and have gaps where an attempt failed; `lockgate history NAME` lists those that exist.";
    NOTHING_HELD = "LG0703", "nothing is held",
        "The command is about a held version, but the asset has none: it was published, dismissed or replaced by a newer candidate. `lockgate status` shows what is held.";
    ANOTHER_HELD = "LG0724", "another version is held by now",
        "The decision named a held version, and a newer candidate has taken its place since: what was looked at is not what would be published or dismissed. Nothing was changed. Look at the new one, `lockgate show NAME --held`, and decide again.";
    NOTHING_PUBLISHED = "LG0704", "nothing is published",
        "The asset has no published version yet. `lockgate run NAME` builds one.";
    CANNOT_PUBLISH = "LG0705", "this version cannot be published",
        "A held version can be published by hand only as long as the version it was judged against is still live; and only versions whose files are kept can be rolled back to. Build a new candidate with `lockgate run NAME --force`.";
    OVERTAKEN = "LG0706", "another run was faster",
        "A run reads its inputs as they were when it was planned. Since then somebody else published this asset from newer inputs, or by other code: what this run would build would put older data over newer. Nothing was changed. Run again: it is planned anew.";
    FENCED = "LG0707", "the lease was lost",
        "This process stood still for so long (a laptop asleep, a frozen container) that another one took over its asset. Nothing it does from then on has an effect. Run again: what the other one published is kept.";
    CYCLE = "LG0708", "assets depend on each other in a circle",
        "Assets form a graph without circles. The message names the way round; take one of its steps out, or split an asset in two.";
    UNKNOWN_INPUT = "LG0709", "an asset reads a table that does not exist",
        "Every `schema.table` in an asset's SQL or checks is an asset of the project. Dependencies come from the SQL itself; there is no `ref()`.";
    GROUP_REENTERED = "LG0710", "a group is left and entered again",
        "The members of a group are staged together and switch together. That cannot be done when a member depends on an asset outside that depends on another member. Put that asset into the group too, or take a member out.";
    UNKNOWN_KIND = "LG0711", "unknown kind",
        "`kind:` says what an asset is. The kinds of this build are listed in the reference.";
    INLINE_CHECKS = "LG0712", "an inline asset cannot have checks",
        "`load: inline` is not stored and has no versions, so nothing could be held. Put the checks on its readers, or give it a stored load.";
    INTERRUPTED = "LG0713", "interrupted",
        "The run was stopped by Ctrl-C or SIGTERM. What was published stays; what was being staged is discarded. `lockgate run` goes on.";
    INJECTED = "LG0714", "an injected fault",
        "A test made this step fail. It does not happen in production.";
    SELECTS_NOTHING = "LG0715", "a query reads what is not there",
        "A query may read assets (`schema.table`), their rejects tables (`schema.table__rejects`), `version('schema.table', N)`, and the tables of schema `lockgate`.";
    DIFF_KEY = "LG0716", "this is not a key of both versions",
        "`lockgate diff` tells rows of two versions apart by a key: the columns named with `--key a,b`, else those of the asset's first `unique` check. Both versions must have each column of the key, with types that can be compared. `lockgate show NAME --version N` lists a version's columns.";
    DIFF_VERSIONS = "LG0735", "these versions cannot be compared",
        "`lockgate diff` compares two different versions of one asset whose files are kept: published, superseded, retracted, held or dismissed ones. The files of a failed version are removed at once, those of an expired one by retention, and those of a version that a run is still building may change. `lockgate history NAME` shows the state of each.";
    UNKNOWN_CHECK = "LG0718", "no such check",
        "The asset has no check of that name. A check is called `kind_columns` unless it says `name:`; `lockgate show NAME` lists them.";
    PAST_DATE = "LG0719", "a date that has passed",
        "A suppression ends at a time in the future. Dates are RFC 3339; a bare day is 00:00 UTC.";
    CANNOT_WRITE = "LG0720", "a project file cannot be written",
        "`lockgate baseline` writes `lockgate.known.yml` and `lockgate test --record` a file under `tests/` into the project folder. Check the folder's permissions.";
    BUSY = "LG0723", "another process is changing the asset",
        "A process holds the lease on the asset and its heartbeat is still moving. Wait for it, or stop it; a lease whose holder died is taken over by itself.";
    WRONG_RANGE = "LG0721", "a span of time that names nothing to build",
        "`--from` and `--to` name a half-open span of time whose ranges are built again, of selected assets with `load: { time_range: … }`. `--to` lies after `--from`. The ranges that hold the two ends are built whole, and only those that are over by the run's logical time.";
    LOAD_CHANGED = "LG0722", "another load would lose history",
        "The live version was loaded bit by bit and may hold rows that today's SQL yields no more. By the new `load` the table would be what the SQL yields now, or rows would stand twice. Nothing was changed. Say `--confirm` if that is meant; or go back to the load, the key and the columns that the table was built with.";
    TEST_NAMES = "LG0740", "a unit test names what is not there",
        "A unit test gives rows to the inputs that the asset's SQL reads (the SQL of `load: inline` inputs included), by their columns, and expects columns of its result. It names something else here.\n\n`lockgate lineage NAME` shows what an asset reads, `lockgate show INPUT` an input's columns.";
    TEST_VALUE = "LG0741", "a value in a unit test does not fit its column",
        "Rows of a unit test have the types of the asset's real columns, and nothing is rounded or cut to fit. Numbers stand without quotes and text that looks like a number or a boolean with them; dates and timestamps are text; `binary` is `0x` and hexadecimal digits; `json` is text that is JSON, or a map or a list.\n\n```yaml\n- { id: 7, code: \"007\", on: 2013-12-31, at: 2013-12-31T06:30:00, price: 10.50 }\n```";
    TEST_FAILED = "LG0742", "a unit test fails",
        "The rows that came out of the asset's SQL are not those that the test expects, or the SQL could not be run over the rows that it gives. Rows are compared as a bag, by the columns that the expected rows name. `-` is a row that did not come, `+` one that was not expected; of a row that came with other values each difference reads `expected → came`.\n\nMend the SQL, or the test when it is the expectation that is wrong.";
    NOT_TESTABLE = "LG0743", "an asset that has no unit tests",
        "A unit test gives rows to a SELECT and looks at what comes out. The asset is of a kind that is no SELECT over other assets (a source reads files), so there is nothing to give rows to. Its checks guard it.";
    CANNOT_RECORD = "LG0744", "a unit test cannot be recorded",
        "`lockgate test --record NAME` takes a few rows of the published inputs, builds the asset over them and writes both as `tests/NAME.yml`. It never overwrites a file (name it `NAME.something` for a second one), it needs a published version of every input, and it writes only a test that passes: SQL that gives other rows each time (`random()`, `limit` without `order by`) cannot be recorded.";
    EXPIRED = "LG0730", "the version has expired",
        "`keep:` in `lockgate.yml` says for how long versions that are no longer live are kept. `lockgate gc` marked this one `expired` and removed its files, or will. What is known of it (checks, profile, who, when) stays: `lockgate history NAME` and `lockgate show NAME --version N` show it; its rows cannot be read, compared or rolled back to any more.\n\n```yaml\nkeep: { versions: 30, days: 90 }\n```\n\nA longer `keep:` holds for what expires from now on.";
    CATALOG_STANDS = "LG0731", "the catalog is there and can be read",
        "`lockgate doctor --rebuild` is for a catalog that is lost or damaged: it makes a new one from the store, and that one knows no runs, no suppressions and no audit log. The catalog that is there can be read and has versions, so rebuilding would lose more than it mends. `lockgate doctor` says what is wrong. If the catalog is old (restored from a backup) and the store is newer, `--force` rebuilds all the same; the old file is kept beside it.";
    CATALOG_IN_USE = "LG0732", "others have the project open",
        "A catalog cannot be replaced under processes that have it open: what they record would be lost with the old file. Wait for them to end, or stop them.";
    CATALOG_LOST = "LG0733", "the catalog is empty, and the store is not",
        "The store has tables that Lockgate published, and the catalog knows no version of any. The catalog's file, `.lockgate/catalog.db`, was removed or left behind when the project was moved. Publishing now would count versions from 1 again and forget what is live. Put the file back, or make it anew from the store:\n\n```\nlockgate doctor --rebuild --why \"the catalog was lost\"\n```\n\nTo begin from nothing on purpose, move the store's folder away.";
    STORE_LOST = "LG0737", "the store is empty, and the catalog is not",
        "The catalog has live versions, and the store has not one of their tables: its folder was moved or removed, or the disk that it lies on is not mounted. Publishing now would begin new tables in its place, which the old ones would meet when they come back. Nothing was changed. Put the store back, or set `store:` in `lockgate.yml` to where it is now. If it is lost for good:\n\n```\nlockgate run --force --confirm\n```";
    UNSEEN = "LG0734", "this run could not be seen by others",
        "A run notes itself in a file under `.lockgate/readers/`, which it keeps locked while it lives. `gc` and `doctor` tell by it that the run lives and what it may be reading. The file could not be made or written, so the run was not begun.\n\n```\nls -ld .lockgate .lockgate/readers\n```";
    CANNOT_LOOK = "LG0736", "the readers cannot be listed",
        "`gc` and `doctor` look through the files under `.lockgate/readers/` to see who is reading. The folder could not be listed, so nothing was removed.";
    NO_RUN = "LG0750", "no such run",
        "`lockgate run --retry` takes up the unfinished tasks of the last run of the environment, `--retry RUN` those of another one. The id is that of the events of `run --json`, of `lockgate status --json` and of `lockgate query \"select id, state, started_at from lockgate.runs\"`.";
    RUN_GOES_ON = "LG0751", "the run goes on",
        "A living process drives the run, so nothing of it is left behind. Wait for its end, or stop it with Ctrl-C.";
    PLAN_DIFFERS = "LG0752", "the run's plan is no longer the same",
        "A retry does what the first attempt would have done: the same code and checks, at the run's logical time, over the versions that it had pinned. The project has changed since, so that cannot be done; the message names what. Run it plainly: that is planned anew, by the code of today and at the time of today.\n\n```\nlockgate run\nlockgate run --as-of 2026-11-01T05:00Z\n```";
    MISSING_COLUMN = "LG0717", "a setting names a column that does not exist",
        "`partition_by` and `cluster_by` name columns of the asset's result.";
}

impl RunError {
    /// What a person sees. One match without wildcard, so that a new variant cannot slip through.
    pub fn diagnostics(&self) -> Diagnostics {
        let one = |code: &'static Code, hint: &str| {
            let diagnostic = Diagnostic::error(code, self.to_string());
            Diagnostics(vec![if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) }])
        };
        match self {
            RunError::Invalid(diagnostics) | RunError::Failed(diagnostics) => diagnostics.clone(),
            RunError::UnknownAsset { suggestion, .. } => match suggestion {
                Some(name) => one(&UNKNOWN_ASSET, &format!("did you mean {name}?")),
                None => one(&UNKNOWN_ASSET, "`lockgate status` lists the assets"),
            },
            RunError::UnknownVersion { asset, .. } => one(&UNKNOWN_VERSION, &format!("lockgate history {asset}")),
            RunError::Expired { asset, .. } => one(&EXPIRED, &format!("lockgate history {asset}")),
            RunError::NothingHeld { .. } => one(&NOTHING_HELD, "`lockgate status` shows what is held"),
            RunError::AnotherHeld { asset, .. } => one(&ANOTHER_HELD, &format!("lockgate show {asset} --held")),
            RunError::NothingPublished { asset } => one(&NOTHING_PUBLISHED, &format!("lockgate run {asset}")),
            RunError::CannotPublish { asset, .. } => one(&CANNOT_PUBLISH, &format!("lockgate run {asset} --force")),
            RunError::Busy { .. } => one(&BUSY, "wait for it to end, then try again"),
            RunError::Overtaken { .. } => one(&OVERTAKEN, "lockgate run"),
            RunError::Fenced { .. } => one(&FENCED, "run again"),
            RunError::Catalog(error) => error.diagnostic().into(),
            RunError::Lake(error) => error.diagnostic().into(),
            RunError::Engine(lockgate_engine::EngineError::Sql(diagnostics)) => diagnostics.clone(),
            RunError::Engine(error) => error.diagnostic().into(),
            RunError::Checks(error) => error.diagnostic().into(),
            RunError::Kind(error) => match error {
                lockgate_kind::KindError::Permanent(diagnostics) => diagnostics.clone(),
                lockgate_kind::KindError::Transient(diagnostic)
                | lockgate_kind::KindError::Throttled { diagnostic, .. } => diagnostic.clone().into(),
                lockgate_kind::KindError::Lake(error) => error.diagnostic().into(),
                lockgate_kind::KindError::Engine(lockgate_engine::EngineError::Sql(found)) => found.clone(),
                lockgate_kind::KindError::Engine(error) => error.diagnostic().into(),
                lockgate_kind::KindError::Interrupted => one(&INTERRUPTED, "lockgate run"),
            },
            RunError::Fault(_) => one(&INJECTED, ""),
            RunError::Interrupted => one(&INTERRUPTED, "lockgate run"),
        }
    }

    /// Whether the same work may go well when it is done again. One match without wildcard here too.
    pub fn fault_kind(&self) -> FaultKind {
        match self {
            RunError::Catalog(error) => error.fault_kind(),
            RunError::Lake(error) => error.fault_kind(),
            RunError::Engine(error) => error.fault_kind(),
            RunError::Checks(error) => error.fault_kind(),
            RunError::Kind(error) => error.fault_kind(),
            RunError::Fault(fault) => fault.kind,
            RunError::Invalid(_)
            | RunError::Failed(_)
            | RunError::UnknownAsset { .. }
            | RunError::UnknownVersion { .. }
            | RunError::Expired { .. }
            | RunError::NothingHeld { .. }
            | RunError::AnotherHeld { .. }
            | RunError::NothingPublished { .. }
            | RunError::CannotPublish { .. }
            | RunError::Busy { .. }
            | RunError::Overtaken { .. }
            | RunError::Fenced { .. }
            | RunError::Interrupted => FaultKind::Permanent,
        }
    }

    /// Whether the person's project or words are wrong (exit code 2) rather than the doing of it (1).
    pub fn is_usage(&self) -> bool {
        match self {
            RunError::Invalid(_)
            | RunError::UnknownAsset { .. }
            | RunError::UnknownVersion { .. }
            | RunError::Expired { .. }
            | RunError::NothingHeld { .. }
            | RunError::AnotherHeld { .. }
            | RunError::NothingPublished { .. } => true,
            RunError::Failed(_)
            | RunError::CannotPublish { .. }
            | RunError::Busy { .. }
            | RunError::Overtaken { .. }
            | RunError::Fenced { .. }
            | RunError::Catalog(_)
            | RunError::Lake(_)
            | RunError::Engine(_)
            | RunError::Checks(_)
            | RunError::Kind(_)
            | RunError::Fault(_)
            | RunError::Interrupted => false,
        }
    }
}
