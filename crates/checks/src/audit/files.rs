//! What an audit takes over from earlier ones, for a version that has files of earlier versions: what is known of its
//! files, and that no two of its older rows have one key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockgate_engine::{EngineError, PinnedTable};
use lockgate_types::{CheckState, Fingerprint, Version};

use super::{AuditContext, evaluated};
use crate::scan::{ByFile, ScanResult, scan_files};
use crate::{Check, ChecksError, Parts};

/// The rows that came since the live version; no asset can have this name.
const CAME: (&str, &str) = ("lockgate__audit", "came");
pub(super) const CAME_SQL: &str = "lockgate__audit.came";

/// What is known of files, and what that is good for.
#[derive(Clone, Copy, Debug)]
pub struct KnownParts<'a> {
    pub known: &'a Parts,
    /// Of the checks, with the variables and functions that they use.
    pub checks_fingerprint: &'a Fingerprint,
}

/// The scan file by file, where that was asked for and can be: all SQL of the checks must say the same of a row at any
/// time. `None` when it cannot, also when the SQL of some check fails: then the scan of the whole finds out which.
pub(super) async fn by_file(
    checks: &[Check],
    cx: &AuditContext<'_>,
    errors: &BTreeMap<usize, String>,
) -> Result<Option<(ScanResult, Parts)>, ChecksError> {
    let Some(parts) = cx.parts.filter(|_| errors.is_empty()) else { return Ok(None) };
    if !checks.iter().all(|check| lasts(check, cx)) {
        return Ok(None);
    }
    let good_for = Parts::good_for(parts.checks_fingerprint, cx.candidate);
    let by = ByFile { candidate: cx.candidate, known: parts.known, good_for: &good_for };
    match scan_files(cx.session, by, checks).await {
        Err(ChecksError::Engine(error)) => {
            // What a retry may mend goes up; what lies in the data or the check is looked for by the scan of the whole.
            let _: Result<(), String> = evaluated(Err::<(), EngineError>(error))?;
            Ok(None)
        }
        found => found.map(Some),
    }
}

/// Whether the check's own SQL says the same of a row at any time.
fn lasts(check: &Check, cx: &AuditContext<'_>) -> bool {
    check.predicates().iter().all(|(predicate, _)| cx.session.lasts(cx.asset, predicate))
}

/// The checks that the live version passed without a failing row, in the same words and with the same variables,
/// functions and columns. For them, the rows that came since are registered as [`CAME_SQL`].
pub(super) fn passed_before(checks: &[Check], cx: &AuditContext<'_>) -> Result<BTreeSet<usize>, ChecksError> {
    let (Some(parts), Some(live)) = (cx.parts, cx.live) else { return Ok(BTreeSet::new()) };
    let same_columns = live.schema == cx.candidate.schema && live.partition_by == cx.candidate.partition_by;
    if live.checks_fingerprint != *parts.checks_fingerprint || !same_columns {
        return Ok(BTreeSet::new());
    }
    let passed = |check: &Check| passed_whole(check, live) && lasts(check, cx);
    let passed: BTreeSet<usize> =
        checks.iter().enumerate().filter(|(_, check)| passed(check)).map(|(at, _)| at).collect();
    if !passed.is_empty() {
        let before: BTreeSet<&str> = live.files.iter().map(|file| file.path.as_str()).collect();
        let came = cx.candidate.files.iter().filter(|file| !before.contains(file.path.as_str()));
        let files = Arc::new(came.cloned().collect());
        cx.session.register_as(CAME.0, CAME.1, PinnedTable { files, ..cx.candidate.clone() })?;
    }
    Ok(passed)
}

fn passed_whole(check: &Check, live: &Version) -> bool {
    let outcome = live.checks.iter().find(|outcome| outcome.name == check.name);
    outcome.is_some_and(|outcome| {
        outcome.state == CheckState::Passed
            && outcome.failing == 0
            && outcome.statement.as_deref() == Some(check.statement().as_str())
    })
}
