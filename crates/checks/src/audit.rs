//! Runs the checks of one candidate.

mod files;

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use arrow::datatypes::Date32Type;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use lockgate_engine::{EngineError, PinnedTable, Session};
use lockgate_project::{Action, GateMode};
use lockgate_types::check::share_of;
use lockgate_types::{AssetName, CheckOutcome, KnownFailure, Profile, Suppression, Version};

use crate::check::{Measure, Measured, Scanned, sentence};
use crate::judge::NOT_EVALUATED;
use crate::scan::{Cells, Newest, ScanResult, sample_rows, scan};
use crate::{Check, ChecksError, JudgeContext, Parts, judge, sql, words};
use files::{CAME_SQL, by_file, passed_before};

pub use files::KnownParts;

/// Checks with queries of their own that run at the same time; each uses every core by itself, so this only
/// fills the gaps.
const QUERIES_AT_ONCE: usize = 2;

/// What an audit sees.
#[derive(Clone, Copy, Debug)]
pub struct AuditContext<'a> {
    /// The candidate is registered in it under its own name, and so is every asset of [`Check::reads`]; the live
    /// version, when there is one, as table `schema__table` of schema `live`.
    pub session: &'a Session,
    pub asset: &'a AssetName,
    pub candidate: &'a PinnedTable,
    /// The rows that [`crate::reject_split`] took out of this candidate, registered in the session under this
    /// table's name; they have a column `_check`.
    pub rejects: Option<&'a PinnedTable>,
    pub live: Option<&'a Version>,
    /// Logical time, which `fresh` goes by.
    pub as_of: DateTime<Utc>,
    /// Wall time, which suppressions end by.
    pub now: DateTime<Utc>,
    /// Of any asset; those of other assets are passed over.
    pub known: &'a [KnownFailure],
    /// Of any asset, also ended ones.
    pub suppressions: &'a [Suppression],
    pub gate: GateMode,
    /// For a version that has files of earlier ones: what is known of files. `None` reads them all and keeps nothing.
    pub parts: Option<KnownParts<'a>>,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditReport {
    /// In the order of the checks.
    pub outcomes: Vec<CheckOutcome>,
    pub profile: Profile,
    /// What is known of the candidate's files now; empty unless it was asked for.
    pub parts: Parts,
}

/// Runs all checks over the candidate and gathers its profile. A check that cannot be evaluated (a cast that
/// fails on a row) is an outcome, `errored`; `Err` is what a retry may mend.
pub async fn audit(checks: &[Check], cx: AuditContext<'_>) -> Result<AuditReport, ChecksError> {
    let mut errors = missing_columns(checks, &cx);
    let (scanned, parts) = match by_file(checks, &cx, &errors).await? {
        Some(found) => found,
        None => (scan_or_blame(checks, &cx, &mut errors).await?, Parts::default()),
    };
    let passed_before = passed_before(checks, &cx)?;
    let measure = |at: usize| Measure {
        came: passed_before.contains(&at).then_some(CAME_SQL),
        session: cx.session,
        asset: cx.asset,
        schema: &cx.candidate.schema,
        filter: checks.get(at).and_then(|check| check.filter.as_deref()),
        rows: scanned.rows,
        scanned: scanned.checks.get(at).unwrap_or(&EMPTY),
        live: cx.live,
        as_of: cx.as_of,
    };
    let measured: Vec<Result<Measured, String>> = futures::stream::iter(checks.iter().enumerate())
        .map(|(at, check)| {
            let error = errors.remove(&at);
            let measure = measure(at);
            async move {
                match error {
                    Some(error) => Ok(Err(error)),
                    None => evaluated(check.rule.measure(measure).await),
                }
            }
        })
        .buffered(QUERIES_AT_ONCE)
        .try_collect()
        .await?;
    let judging =
        JudgeContext { asset: cx.asset, now: cx.now, known: cx.known, suppressions: cx.suppressions, gate: cx.gate };
    let mut outcomes = Vec::with_capacity(checks.len());
    for (check, mut measured) in checks.iter().zip(measured) {
        let mut is_rejected = false;
        if let (Action::Reject, Some(rejects), Ok(measured)) = (check.action, cx.rejects, &mut measured) {
            is_rejected = add_rejects(check, rejects, measured, &cx).await?;
        }
        outcomes.push(outcome(check, measured, is_rejected, cx.live, judging));
    }
    Ok(AuditReport { outcomes, profile: scanned.profile, parts })
}

static EMPTY: Scanned = Scanned::EMPTY;

/// A live version that is audited anew may be older than a check, and lack its column.
fn missing_columns(checks: &[Check], cx: &AuditContext<'_>) -> BTreeMap<usize, String> {
    let missing = |check: &Check| {
        let name = check.columns.iter().find(|name| cx.candidate.schema.column(name).is_none())?;
        Some(format!("the version has no column `{name}`"))
    };
    checks.iter().enumerate().filter_map(|(at, check)| Some((at, missing(check)?))).collect()
}

/// Tells what lies in the data or the check from what a retry may mend.
fn evaluated<T>(result: Result<T, EngineError>) -> Result<Result<T, String>, ChecksError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error @ (EngineError::Sql(_) | EngineError::DoesNotFit { .. } | EngineError::Execution(_))) => {
            Ok(Err(error.diagnostic().message))
        }
        Err(
            error @ (EngineError::OutOfMemory(_)
            | EngineError::Unreadable(_)
            | EngineError::StoreFailed(_)
            | EngineError::SpillFull { .. }
            | EngineError::Engine(_)),
        ) => Err(error.into()),
    }
}

/// The fused scan. When it fails because some check's SQL has no value for some row, that check is found and the scan
/// runs again without it.
async fn scan_or_blame(
    checks: &[Check],
    cx: &AuditContext<'_>,
    errors: &mut BTreeMap<usize, String>,
) -> Result<ScanResult, ChecksError> {
    let without: BTreeSet<usize> = errors.keys().copied().collect();
    let first = scan(cx.session, cx.asset, &cx.candidate.schema, checks, &without).await;
    let failed = match first {
        Err(ChecksError::Engine(error)) => error,
        other => return other,
    };
    let Err(message) = evaluated(Err::<(), EngineError>(failed))? else {
        return Err(ChecksError::Stopped("the scan ended without a result".to_owned()));
    };
    let mut verdicts: BTreeMap<String, Option<String>> = BTreeMap::new();
    let known = errors.len();
    for (at, check) in checks.iter().enumerate() {
        for (predicate, _) in check.predicates() {
            if !verdicts.contains_key(&predicate) {
                let (table, condition) = (sql::table(cx.asset), sql::expression(&predicate));
                let query = format!("select count({condition}) as \"n\" from {table}");
                let verdict = evaluated(cx.session.collect(&query).await)?.err();
                verdicts.insert(predicate.clone(), verdict);
            }
            if let Some(Some(error)) = verdicts.get(&predicate) {
                errors.entry(at).or_insert_with(|| error.clone());
            }
        }
    }
    if errors.len() == known {
        // Nobody's SQL: the table itself cannot be read.
        return Err(ChecksError::Stopped(message));
    }
    let without = errors.keys().copied().collect();
    scan(cx.session, cx.asset, &cx.candidate.schema, checks, &without).await
}

/// Rows that the check took out count as failing: its sentence is about all rows that were built.
async fn add_rejects(
    check: &Check,
    rejects: &PinnedTable,
    measured: &mut Measured,
    cx: &AuditContext<'_>,
) -> Result<bool, ChecksError> {
    let table = sql::table(&rejects.name);
    let mine = format!("concat(', ', \"_check\", ', ') like {}", sql::text(&format!("%, {}, %", like(&check.name))));
    // Rows of a source that did not even parse were never looked at by a check.
    let looked_at = match &check.filter {
        Some(filter) => format!("\"_check\" is not null and {}", sql::expression(filter)),
        None => "\"_check\" is not null".to_owned(),
    };
    let query = format!("select count(*) as \"n\" from {table} where {looked_at}");
    let counted = cx.session.collect(&query).await?;
    let counted = counted.iter().flat_map(|batch| batch.columns().first()).flat_map(|column| Cells::of(column).first());
    measured.total += counted.map(|count| u64::try_from(count).unwrap_or(0)).sum::<u64>();
    let names = sql::names(&cx.candidate.schema.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>());
    let (taken_out, samples) = sample_rows(cx.session, &format!("select {names} from {table} where {mine}")).await?;
    measured.failing += taken_out;
    if taken_out > 0 {
        measured.samples = samples;
        let were = if taken_out == 1 { "1 row was".to_owned() } else { format!("{} were", words::rows(taken_out)) };
        measured.message = format!(
            "{}; {were} taken out to {}",
            sentence(check.rule.verbs(), measured.failing, measured.total, check.filter.as_deref()),
            rejects.name
        );
    }
    Ok(taken_out > 0)
}

/// A name in a `like` pattern.
fn like(name: &str) -> String {
    name.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn outcome(
    check: &Check,
    measured: Result<Measured, String>,
    rejected: bool,
    live: Option<&Version>,
    judging: JudgeContext<'_>,
) -> CheckOutcome {
    let verdict = judge(check, measured.as_ref().ok().map(|measured| (measured.failing, measured.total)), judging);
    let measured = measured.unwrap_or_else(|error| Measured {
        failing: 0,
        total: 0,
        message: format!("{NOT_EVALUATED}{error}"),
        samples: lockgate_types::Samples::default(),
    });
    let before = live.and_then(|live| live.checks.iter().find(|before| before.name == check.name));
    CheckOutcome {
        name: check.name.clone(),
        kind: check.kind.to_owned(),
        section: check.section.clone(),
        severity: check.severity,
        state: verdict.state,
        failing: measured.failing,
        total: measured.total,
        share: share_of(measured.failing, measured.total),
        error: check.error,
        warn: check.warn,
        message: measured.message,
        before: before.map(|before| (before.failing, before.total)),
        samples: measured.samples,
        excuse: verdict.excuse,
        rejected,
        statement: Some(check.statement()),
    }
}

/// What judging `fresh` alone needs, when there is no candidate.
#[derive(Clone, Copy, Debug)]
pub struct FreshContext<'a> {
    /// The live version is registered in it under its own name.
    pub session: &'a Session,
    pub asset: &'a AssetName,
    pub live: Option<&'a Version>,
    pub as_of: DateTime<Utc>,
    pub now: DateTime<Utc>,
    pub known: &'a [KnownFailure],
    pub suppressions: &'a [Suppression],
    pub gate: GateMode,
}

/// Judges the `fresh` checks of a live version against logical time; those about columns that it has not are left out.
pub async fn fresh(checks: &[Check], cx: FreshContext<'_>) -> Result<Vec<CheckOutcome>, ChecksError> {
    let judging =
        JudgeContext { asset: cx.asset, now: cx.now, known: cx.known, suppressions: cx.suppressions, gate: cx.gate };
    let mut outcomes = Vec::new();
    for check in checks {
        let Some(column) = check.rule.newest_of() else { continue };
        // A check that is younger than the version may be about a column that it has not.
        if cx.live.is_some_and(|live| live.schema.column(column).is_none()) {
            continue;
        }
        let filter: Vec<String> = check.filter.iter().map(|filter| sql::expression(filter)).collect();
        let (name, table, filter) = (sql::name(column), sql::table(cx.asset), sql::filter(&filter));
        let query = format!("select count(*) as \"n\", max({name}) as \"newest\" from {table}{filter}");
        let measured = match evaluated(cx.session.collect(&query).await)? {
            Err(error) => Err(error),
            Ok(batches) => {
                let row = batches.iter().find(|batch| batch.num_rows() > 0);
                let cells = row.map(|batch| batch.columns().iter().map(Cells::of).collect::<Vec<_>>());
                let value = |at: usize| cells.as_ref().and_then(|cells| cells.get(at)?.first());
                let is_day = row.is_some_and(|batch| batch.column(1).as_primitive_opt::<Date32Type>().is_some());
                let newest = value(1).and_then(|value| match is_day {
                    true => i32::try_from(value).ok().map(Newest::Day),
                    false => i64::try_from(value).ok().map(Newest::Microsecond),
                });
                let total = value(0).and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0);
                let scanned = Scanned { total, newest, ..Scanned::default() };
                let measure = Measure {
                    came: None,
                    session: cx.session,
                    asset: cx.asset,
                    schema: &lockgate_types::Schema::default(),
                    filter: check.filter.as_deref(),
                    rows: total,
                    scanned: &scanned,
                    live: cx.live,
                    as_of: cx.as_of,
                };
                evaluated(check.rule.measure(measure).await)?
            }
        };
        outcomes.push(outcome(check, measured, false, cx.live, judging));
    }
    Ok(outcomes)
}

/// Why an asset is late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lateness {
    pub check: String,
    /// `newest ts is 30 Dec 2013 23:00 UTC, 1 day 6 h before 1 Jan 2014 05:00 UTC, allowed 1 day`.
    pub message: String,
    /// The newest value as text; `None` when there are no rows.
    pub newest: Option<String>,
}

/// The first `fresh` outcome that would hold a version: over its limit, not excused, and no mere warning.
pub fn late(outcomes: &[CheckOutcome]) -> Option<Lateness> {
    let outcome = outcomes.iter().find(|outcome| outcome.kind == "fresh" && outcome.state.holds())?;
    let newest = outcome.samples.rows.first().and_then(|row| row.first().cloned().flatten());
    Some(Lateness { check: outcome.name.clone(), message: outcome.message.clone(), newest })
}
