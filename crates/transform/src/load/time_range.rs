//! `load: { time_range: … }`: the statement is evaluated for ranges of time, and its rows replace those of the same
//! ranges.
//!
//! The statement needs no placeholders: the condition on its time column is pushed down into what it reads. Rows outside of
//! the ranges that a build is about belong to other ranges, and are yielded when those are built.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use lockgate_kind::{Built, KindError, Outside, TimeSpan};
use lockgate_lake::StagedFiles;
use lockgate_types::number::{counted, rows};
use lockgate_types::{Column, DataFile, DataType, Diagnostic, Version};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::ledger::{Ledger, Span, ceiling, floor};
use super::{BUILD, Build, columns, quoted};
use crate::codes::{NO_RANGE, TIME_IS_NULL};
use crate::prune::{bounds_of, nulls_of};

/// So many conditions a statement gets at most; beyond it, what lies between near ranges is built again with them.
const SPANS_MAX: usize = 50;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) column: &'a str,
    pub(crate) grain: TimeDelta,
    pub(crate) lookback: TimeDelta,
    pub(crate) start: Option<DateTime<Utc>>,
}

/// What a version remembers.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    /// Which ranges are done.
    done: Ledger,
}

impl State {
    fn of(version: Option<&Version>) -> State {
        version.and_then(|version| serde_json::from_value(version.source_state.clone()).ok()).unwrap_or_default()
    }
}

impl Settings<'_> {
    fn grain_us(&self) -> i64 {
        self.grain.num_microseconds().unwrap_or(i64::MAX).max(1)
    }

    /// The end of the last range that is over.
    fn end(&self, as_of: DateTime<Utc>) -> i64 {
        floor(as_of.timestamp_micros(), self.grain_us())
    }

    fn start(&self) -> i64 {
        self.start.map_or(BEGINNING, |start| floor(start.timestamp_micros(), self.grain_us()))
    }

    /// What has ended and is not done, from the first range on.
    fn missing(&self, done: &Ledger, as_of: DateTime<Utc>) -> Ledger {
        // Without a start, nothing before the first range that was built is missing.
        let from = match (self.start, done.first()) {
            (None, Some(first)) => first,
            _ => self.start(),
        };
        done.gaps(Span::new(from, self.end(as_of)))
    }
}

/// Before every instant that a column can hold.
const BEGINNING: i64 = i64::MIN / 2;

/// How the ranges that are done stand against logical time.
pub(crate) fn due(settings: &Settings<'_>, live: Option<&Version>, as_of: DateTime<Utc>) -> Outside {
    let missing = settings.missing(&State::of(live).done, as_of);
    let Some(last) = missing.spans().last() else { return Outside::Unchanged };
    let ranges: i64 = missing.spans().iter().map(|span| span.to.saturating_sub(span.from) / settings.grain_us()).sum();
    let why = match missing.spans() {
        [span] if span.from == BEGINNING => format!("everything until {} is due", day_or_instant(last.to)),
        [_] | [_, _, ..] if ranges == 1 => format!("the range that ends at {} is due", day_or_instant(last.to)),
        _ => format!(
            "{} until {} are due",
            counted(u64::try_from(ranges).unwrap_or(0), "range", "ranges"),
            day_or_instant(last.to)
        ),
    };
    let key: Vec<String> = missing.spans().iter().map(|span| format!("{}-{}", span.from, span.to)).collect();
    Outside::Changed { why, key: key.join(",") }
}

fn day_or_instant(micros: i64) -> String {
    let Some(at) = DateTime::from_timestamp_micros(micros) else { return micros.to_string() };
    let text = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    text.strip_suffix("T00:00:00Z").map(str::to_owned).unwrap_or(text)
}

/// What is wrong with the time column, when something is.
pub(crate) fn settled(settings: &Settings<'_>, column: &Column) -> Result<(), String> {
    match column.data_type {
        DataType::Timestamp | DataType::Timestamptz => Ok(()),
        DataType::Date if settings.grain.num_seconds() % 86_400 == 0 => Ok(()),
        DataType::Date => Err(format!("`{}` is a day, which ranges of {} cannot divide", column.name, settings.grain)),
        _ => Err(format!("`{}` is {}, which is no day and no instant", column.name, column.data_type)),
    }
}

pub(super) async fn build(build: &mut Build<'_>, settings: &Settings<'_>) -> Result<Built, KindError> {
    let done = State::of(build.live.as_ref()).done;
    let wanted = wanted(build, settings, &done)?;
    let kind = build.statement.column(settings.column).map_or(DataType::Timestamptz, |column| column.data_type.clone());
    let inside = |name: &str| -> String {
        let spans = wanted.spans().iter().map(|span| within(name, &kind, *span)).collect::<Vec<_>>();
        format!("({})", spans.join(" or "))
    };
    let column = quoted(settings.column);
    let sort_by = match build.cx.file.cluster_by.as_slice() {
        [] => vec![settings.column.to_owned()],
        named => named.to_vec(),
    };

    let mut staged = StagedFiles::default();
    if !wanted.is_empty() {
        build.session().register_sql(BUILD, "statement", build.sql);
        let condition = inside(&format!("s.{column}"));
        let rows = format!(
            "select {} from {BUILD}.statement as s where s.{column} is null or {condition}",
            columns(&build.cx.schema, "s.")
        );
        staged = build.stage_query(&rows, &sort_by).await?;
        no_null(build, settings, &staged)?;
    }

    let mut kept = Vec::new();
    let mut touched = Vec::new();
    for file in build.live.as_ref().map(|live| live.files.clone()).unwrap_or_default() {
        match span_of(&file, settings.column, &build.cx.file.partition_by) {
            Some(span) if !wanted.spans().iter().any(|wanted| wanted.overlaps(span)) => kept.push(file),
            Some(span) if wanted.spans().iter().any(|wanted| wanted.covers(span)) => {}
            _ => touched.push(file),
        }
    }
    if !touched.is_empty() {
        build.register("touched", &build.cx.schema, &build.cx.file.partition_by, touched)?;
        let outside = inside(&format!("l.{column}"));
        let rows = format!("select {} from {BUILD}.touched as l where not {outside}", columns(&build.cx.schema, "l."));
        let rest = build.stage_query(&rows, &sort_by).await?;
        staged = StagedFiles::merge([staged, rest]);
    }

    let mut done = done.and(&wanted);
    if done.first() == Some(BEGINNING) {
        done = from_the_first_row(settings, &done, kept.iter().chain(&staged.files), &build.cx.file.partition_by);
    }
    if let Some(live) = build.at_stake() {
        let before = State::of(Some(live)).done;
        let lost = match (before.first(), done.first()) {
            (Some(then), Some(now)) => (now - then) / settings.grain_us(),
            (Some(_), None) => before.spans().iter().map(|span| (span.to - span.from) / settings.grain_us()).sum(),
            (None, _) => 0,
        };
        if lost > 0 {
            let ranges = counted(u64::try_from(lost).unwrap_or(0), "range", "ranges");
            return Err(
                build.lost(&format!("{ranges} of version {} before the first that its SQL yields now", live.number))
            );
        }
    }
    let state = serde_json::to_value(State { done }).unwrap_or(Json::Null);
    Ok(build.built(kept, staged, state))
}

/// The ranges that this build is about.
fn wanted(build: &Build<'_>, settings: &Settings<'_>, done: &Ledger) -> Result<Ledger, KindError> {
    let (grain, end) = (settings.grain_us(), settings.end(build.cx.as_of));
    if let Some(TimeSpan { from, to }) = build.cx.range {
        let asked = Span::new(floor(from.timestamp_micros(), grain), ceiling(to.timestamp_micros(), grain).min(end));
        if asked.is_empty() {
            let file = &build.cx.file;
            let message = format!("no range of {} has ended by then", file.name);
            return Err(KindError::permanent(
                Diagnostic::error(&NO_RANGE, message)
                    .at(file.source.place(file.load_span))
                    .hint(format!("the last range that is over ends at {}", day_or_instant(end))),
            ));
        }
        return Ok(Ledger::of([asked]));
    }
    let missing = settings.missing(done, build.cx.as_of);
    let back = settings.lookback.num_microseconds().unwrap_or(0);
    let late = match done.first() {
        Some(first) if back > 0 => Span::new(floor(end - back, grain).max(first), end),
        _ => Span::new(0, 0),
    };
    Ok(missing.and(&Ledger::of([late])).coarse(SPANS_MAX))
}

/// A condition that holds inside a span.
fn within(name: &str, kind: &DataType, span: Span) -> String {
    let literal = |micros: i64| {
        let at = DateTime::from_timestamp_micros(micros).unwrap_or_default();
        match kind {
            DataType::Date => format!("cast('{}' as date)", at.format("%Y-%m-%d")),
            DataType::Timestamp => format!("cast('{}' as timestamp)", at.format("%Y-%m-%dT%H:%M:%S%.6f")),
            _ => format!("cast('{}' as timestamp with time zone)", at.to_rfc3339_opts(SecondsFormat::Micros, true)),
        }
    };
    let below = format!("{name} < {}", literal(span.to));
    if span.from == BEGINNING {
        format!("({below})")
    } else {
        format!("({name} >= {} and {below})", literal(span.from))
    }
}

/// The time that a file's rows span, when its statistics say so.
fn span_of(file: &DataFile, column: &str, partition_by: &[String]) -> Option<Span> {
    let (min, max) = if partition_by.iter().any(|name| name == column) {
        let value = file.partition.iter().find(|(name, _)| name == column)?.1.clone()?;
        (Json::String(value.clone()), Json::String(value))
    } else {
        bounds_of(file, column)?
    };
    let (from, to) = (micros(min.as_str()?)?, micros(max.as_str()?)?);
    // A maximum in whole milliseconds may stand for up to one more; a day is its 24 hours.
    let width = if max.as_str()?.len() == 10 { 86_400_000_000 } else { 1_000 };
    Some(Span::new(from, to + width))
}

/// An instant as statistics and partitions write it.
fn micros(text: &str) -> Option<i64> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.timestamp_micros());
    }
    let text = text.trim_end_matches('Z');
    if let Ok(on) = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(on.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros());
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| chrono::NaiveDateTime::parse_from_str(text, format).ok())
        .map(|at| at.and_utc().timestamp_micros())
}

/// A row without a time belongs to no range.
fn no_null(build: &Build<'_>, settings: &Settings<'_>, staged: &StagedFiles) -> Result<(), KindError> {
    let nulls = |file: &DataFile| match file.partition.iter().find(|(name, _)| name == settings.column) {
        Some((_, None)) => file.rows,
        Some((_, Some(_))) => 0,
        None => nulls_of(file, settings.column).unwrap_or(0),
    };
    let count: u64 = staged.files.iter().map(nulls).sum();
    if count == 0 {
        return Ok(());
    }
    let file = &build.cx.file;
    let (have, belong) = if count == 1 { ("has", "it belongs") } else { ("have", "they belong") };
    let (rows, column) = (rows(count), settings.column);
    let message = format!("{rows} {have} no `{column}` in {}: {belong} to no range of time", file.name);
    Err(KindError::permanent(
        Diagnostic::error(&TIME_IS_NULL, message)
            .at(file.source.place(file.load_span))
            .hint("leave them out in the SQL"),
    ))
}

/// Without a start, what is done begins with the range of the first row; without rows nothing is.
fn from_the_first_row<'f>(
    settings: &Settings<'_>,
    done: &Ledger,
    files: impl Iterator<Item = &'f DataFile>,
    partition_by: &[String],
) -> Ledger {
    let first = files.filter_map(|file| span_of(file, settings.column, partition_by)).map(|span| span.from).min();
    let Some(first) = first else { return Ledger::default() };
    let first = floor(first, settings.grain_us());
    Ledger::of(done.spans().iter().map(|span| Span::new(span.from.max(first), span.to)))
}
