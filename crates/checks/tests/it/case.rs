//! One case file: a small project, rows, and what its checks say.
//!
//! ```text
//! What it shows, in a sentence.
//! === assets/mart/t.yml
//! (the asset with its checks; any number of further files of the project)
//! === rows
//! customer | amount          (columns and types are those of the contract)
//! ana      | 1
//!          | 2               (an empty cell is null, "" is an empty text)
//!                            (a head with types is a candidate with other columns than the contract)
//! === rows raw.planes        (another asset: types stand in the head)
//! tailnum string
//! N1
//! === live                   (the live version; with types in the head when they differ from the contract)
//! === as_of 2014-01-01T05:00:00Z
//! === suppressions
//! not_null_customer | 2014-02-01T00:00:00Z | > 1% | ana | the supplier is at it
//! === show profile           (also expect the profile)
//! === expect
//! (what comes out, rewritten by UPDATE=1)
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, TimeZone, Utc};
use lockgate_checks::{AuditContext, Check, FreshContext, SchemaLookup};
use lockgate_engine::{PinnedTable, Session};
use lockgate_project::AssetFile;
use lockgate_types::schema::{Column, DataType};
use lockgate_types::{
    Actor, AssetName, CheckOutcome, Diagnostics, Fingerprint, Profile, Schema, Suppression, Threshold, Version,
    VersionNumber, VersionState,
};

use crate::world::{Encoding, Table, World};

pub(crate) struct Case {
    /// Everything before `=== expect`, as it stands in the file.
    pub(crate) head: String,
    sections: Vec<(String, String)>,
}

struct Assets(BTreeMap<AssetName, Schema>);

impl SchemaLookup for Assets {
    fn schema(&self, asset: &AssetName) -> Option<&Schema> {
        self.0.get(asset)
    }

    fn suggest(&self, asset: &AssetName) -> Option<String> {
        let names: Vec<String> = self.0.keys().map(ToString::to_string).collect();
        lockgate_types::diagnostic::did_you_mean(&asset.to_string(), names.iter().map(String::as_str))
            .map(str::to_owned)
    }
}

impl Case {
    pub(crate) fn parse(text: &str) -> (Case, String) {
        let (head, expected) = text.split_once("=== expect\n").unwrap_or((text, ""));
        let mut sections: Vec<(String, String)> = Vec::new();
        for line in head.lines() {
            if let Some(title) = line.strip_prefix("=== ") {
                sections.push((title.trim().to_owned(), String::new()));
            } else if let Some((_, body)) = sections.last_mut() {
                body.push_str(line);
                body.push('\n');
            }
        }
        (Case { head: head.to_owned(), sections }, expected.to_owned())
    }

    fn section(&self, title: &str) -> Option<&str> {
        self.sections.iter().find(|(name, _)| name == title).map(|(_, body)| body.as_str())
    }

    fn word_after(&self, title: &str) -> Option<&str> {
        self.sections.iter().find_map(|(name, _)| name.strip_prefix(title)?.strip_prefix(' '))
    }

    fn as_of(&self) -> DateTime<Utc> {
        match self.word_after("as_of") {
            Some(text) => text.parse().unwrap(),
            None => Utc.with_ymd_and_hms(2014, 1, 1, 5, 0, 0).unwrap(),
        }
    }

    /// Runs the case in one way of storing its rows.
    pub(crate) async fn run(&self, world: &World, encoding: Encoding, batch: usize) -> String {
        let (project, mut found) = self.load();
        let Some(project) = project else { return diagnostics(&found) };
        let name: AssetName = "mart.t".parse().unwrap();
        let Some(file) = project.assets.get(&name).filter(|_| found.is_empty()) else { return diagnostics(&found) };
        let schema = Schema { columns: file.columns.iter().flatten().map(|c| c.column.clone()).collect() };
        let others = self.others();
        let schemas = others.iter().map(|(name, table)| (name.clone(), table.schema.clone()));
        let assets = Assets(schemas.chain([(name.clone(), schema.clone())]).collect());
        let checks = match lockgate_checks::compile(file, &schema, &assets) {
            Ok(checks) => checks,
            Err(wrong) => {
                found.extend(wrong);
                return diagnostics(&found);
            }
        };
        let session = world.session(self.as_of());
        for (name, table) in &others {
            session.register_batches(name.schema(), name.table(), table.batches(encoding, batch)).unwrap();
        }
        let has_rows = self.section("rows").is_some();
        let rows = self.section("rows").map(|body| table(body, Some(&schema)));
        let candidate = rows.unwrap_or(Table { schema: schema.clone(), rows: Vec::new() });
        session.register_batches("mart", "t", candidate.batches(encoding, batch)).unwrap();
        if let Err(wrong) = lockgate_checks::plan(&checks, &name, &session).await {
            return diagnostics(&wrong);
        }
        let run = Run {
            case: self,
            world,
            session,
            file,
            schema,
            rows: candidate,
            checks,
            name,
            project: &project,
            encoding,
            batch,
        };
        if has_rows { run.audit().await } else { run.fresh().await }
    }

    /// Writes the files of the project, and reads them.
    fn load(&self) -> (Option<lockgate_project::Project>, Diagnostics) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lockgate.yml"), "name: case\n").unwrap();
        for (title, body) in &self.sections {
            if Path::new(title).extension().is_some_and(|extension| extension == "yml") {
                let path = folder.path().join(title);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, body).unwrap();
            }
        }
        lockgate_project::load(folder.path(), None, &|_| None)
    }

    fn others(&self) -> Vec<(AssetName, Table)> {
        let named = |title: &str| title.strip_prefix("rows ").map(|name| name.parse().unwrap());
        self.sections.iter().filter_map(|(title, body)| Some((named(title)?, table(body, None)))).collect()
    }

    fn suppressions(&self) -> Vec<Suppression> {
        let lines = self.section("suppressions").unwrap_or("").lines();
        lines
            .map(|line| {
                let cells: Vec<&str> = line.split('|').map(str::trim).collect();
                Suppression {
                    asset: "mart.t".parse().unwrap(),
                    check: cells[0].to_owned(),
                    until: cells[1].parse().unwrap(),
                    limit: (!cells[2].is_empty()).then(|| Threshold::parse(cells[2]).unwrap()),
                    actor: Actor(cells[3].to_owned()),
                    why: cells[4].to_owned(),
                    made_at: Utc.with_ymd_and_hms(2013, 12, 1, 0, 0, 0).unwrap(),
                }
            })
            .collect()
    }
}

struct Run<'a> {
    case: &'a Case,
    world: &'a World,
    session: Session,
    file: &'a AssetFile,
    schema: Schema,
    /// The candidate's.
    rows: Table,
    checks: Vec<Check>,
    name: AssetName,
    project: &'a lockgate_project::Project,
    encoding: Encoding,
    batch: usize,
}

impl Run<'_> {
    fn live(&self) -> Option<(Version, Table)> {
        let table = table(self.case.section("live")?, Some(&self.schema));
        let now = self.case.as_of();
        let version = Version {
            asset: self.name.clone(),
            number: VersionNumber(3),
            state: VersionState::Published,
            run: None,
            actor: Actor("ana".to_owned()),
            fingerprint: Fingerprint::of([]),
            checks_fingerprint: Fingerprint::of([]),
            inputs: BTreeMap::new(),
            schema: table.schema.clone(),
            partition_by: Vec::new(),
            files: Vec::new(),
            rows: table.rows.len() as u64,
            size_bytes: 0,
            rejects: None,
            source_state: serde_json::Value::Null,
            profile: None,
            checks: Vec::new(),
            base_delta_version: None,
            base: None,
            delta_version: Some(0),
            staged_at: now,
            published_at: Some(now),
            as_of: now,
            why: None,
            restores: None,
            build_ms: 0,
            audit_ms: 0,
            candidate_key: String::new(),
        };
        Some((version, table))
    }

    async fn audit(mut self) -> String {
        let live = self.live();
        let mut text = String::new();
        let mut rejects = None;
        if let Some(split) = lockgate_checks::reject_split(&self.checks, &self.name, &self.schema) {
            let kept = self.session.collect(&split.kept_sql).await.unwrap();
            let rejected = self.session.collect(&split.rejected_sql).await.unwrap();
            let shown = text_of_batches(&rejected);
            writeln!(text, "rejected: {}", shown.join("\n          ")).unwrap();
            // A new session, in which the candidate is what was kept.
            let session = self.world.session(self.case.as_of());
            for (name, table) in self.case.others() {
                session
                    .register_batches(name.schema(), name.table(), table.batches(self.encoding, self.batch))
                    .unwrap();
            }
            session.register_batches("mart", "t", kept).unwrap();
            let mut schema = self.schema.clone();
            schema.columns.push(Column::new("_check", DataType::String));
            session.register_batches("mart", "t__rejects", rejected).unwrap();
            rejects = Some(PinnedTable::empty(self.name.rejects(), schema));
            self.session = session;
        }
        if let Some((_, table)) = &live {
            self.session.register_batches("live", "mart__t", table.batches(self.encoding, self.batch)).unwrap();
        }
        let suppressions = self.case.suppressions();
        let candidate = PinnedTable::empty(self.name.clone(), self.rows.schema.clone());
        let report = lockgate_checks::audit(
            &self.checks,
            AuditContext {
                session: &self.session,
                asset: &self.name,
                candidate: &candidate,
                rejects: rejects.as_ref(),
                live: live.as_ref().map(|(version, _)| version),
                as_of: self.case.as_of(),
                now: self.case.as_of(),
                known: &self.project.known,
                suppressions: &suppressions,
                gate: self.file.gate,
                parts: None,
            },
        )
        .await
        .unwrap();
        report.outcomes.iter().for_each(|outcome| text.push_str(&render(outcome)));
        if self.case.word_after("show") == Some("profile") {
            text.push_str(&render_profile(&report.profile));
        }
        text
    }

    async fn fresh(mut self) -> String {
        let (live, table) = self.live().expect("a case has `rows` or `live`");
        self.session = {
            let session = self.world.session(self.case.as_of());
            session.register_batches("mart", "t", table.batches(self.encoding, self.batch)).unwrap();
            session
        };
        let outcomes = lockgate_checks::fresh(
            &self.checks,
            FreshContext {
                session: &self.session,
                asset: &self.name,
                live: Some(&live),
                as_of: self.case.as_of(),
                now: self.case.as_of(),
                known: &self.project.known,
                suppressions: &self.case.suppressions(),
                gate: self.file.gate,
            },
        )
        .await
        .unwrap();
        let mut text: String = outcomes.iter().map(render).collect();
        if let Some(late) = lockgate_checks::late(&outcomes) {
            writeln!(text, "late: {} (newest {})", late.check, late.newest.as_deref().unwrap_or("none")).unwrap();
        }
        text
    }
}

/// Rows divided by lines, cells by `|`.
fn table(body: &str, schema: Option<&Schema>) -> Table {
    let mut lines = body.lines().filter(|line| !line.trim_start().starts_with('#'));
    let head = lines.next().unwrap_or("");
    let columns: Vec<Column> = head
        .split('|')
        .map(|cell| match cell.trim().split_once(' ') {
            Some((name, kind)) => Column::new(name, DataType::parse(kind).unwrap()),
            None => schema.and_then(|schema| schema.column(cell.trim())).expect("a column of the contract").clone(),
        })
        .collect();
    let width = columns.len();
    let cell = |text: &str| match text.trim() {
        "" => None,
        "\"\"" => Some(String::new()),
        text => Some(text.to_owned()),
    };
    let rows = lines.map(|line| {
        let mut cells: Vec<Option<String>> = line.split('|').map(cell).collect();
        assert!(cells.len() <= width, "a row is longer than the head: {line}");
        cells.resize(width, None);
        cells
    });
    Table { rows: rows.collect(), schema: Schema { columns } }
}

fn diagnostics(found: &Diagnostics) -> String {
    let mut text = String::new();
    for diagnostic in &found.0 {
        let place = diagnostic.place.as_ref().map(|place| {
            let line: String = place.source_line.chars().skip(place.column.saturating_sub(1) as usize).collect();
            format!("{place} at `{}`", line.chars().take(place.length as usize).collect::<String>())
        });
        if diagnostic.code.id.starts_with("LG02") {
            // Which words the engine finds is its own affair; where it points is not.
            writeln!(text, "{}\n  {}", diagnostic.code.id, place.unwrap_or_default()).unwrap();
            continue;
        }
        writeln!(text, "{} {}", diagnostic.code.id, diagnostic.message).unwrap();
        for (what, said) in [("", &place), ("expected: ", &diagnostic.expected), ("hint: ", &diagnostic.hint)] {
            if let Some(said) = said {
                writeln!(text, "  {what}{said}").unwrap();
            }
        }
    }
    text
}

fn render(outcome: &CheckOutcome) -> String {
    let mut text = String::new();
    let CheckOutcome { name, state, failing, total, message, samples, excuse, .. } = outcome;
    // Why SQL has no value is told in the engine's words.
    let message = match message.split_once("it could not be evaluated: ") {
        Some((_, why)) if !why.starts_with("the version") => "it could not be evaluated: …",
        _ => message.as_str(),
    };
    writeln!(text, "{} {name} ({failing}/{total}): {message}", state.as_str()).unwrap();
    if let Some(excuse) = excuse {
        writeln!(text, "  excuse: {excuse}").unwrap();
    }
    if let Some(section) = &outcome.section {
        writeln!(text, "  section: {section}").unwrap();
    }
    if outcome.rejected {
        writeln!(text, "  rejected").unwrap();
    }
    if !samples.rows.is_empty() {
        writeln!(text, "  {}", samples.columns.join(" | ")).unwrap();
        for row in &samples.rows {
            let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("null")).collect();
            writeln!(text, "  {}", cells.join(" | ")).unwrap();
        }
    }
    text
}

fn render_profile(profile: &Profile) -> String {
    let mut text = format!("profile of {} rows\n", profile.rows);
    for column in &profile.columns {
        let or_dash = |value: &Option<String>| value.clone().unwrap_or("-".to_owned());
        let distinct = column.distinct.map_or("-".to_owned(), |distinct| distinct.to_string());
        let mean = column.mean.map_or("-".to_owned(), |mean| mean.to_string());
        let quantiles = column.quantiles.map_or("-".to_owned(), |quantiles| {
            quantiles.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        });
        writeln!(
            text,
            "  {}: {} nulls, {distinct} distinct, {} to {}, mean {mean}, quantiles {quantiles}",
            column.name,
            column.nulls,
            or_dash(&column.min),
            or_dash(&column.max),
        )
        .unwrap();
    }
    text
}

fn text_of_batches(batches: &[arrow::array::RecordBatch]) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| {
                use arrow::array::Array;
                if column.is_null(row) {
                    "null".to_owned()
                } else {
                    arrow::util::display::array_value_to_string(column, row).unwrap()
                }
            });
            rows.push(cells.collect::<Vec<_>>().join(" | "));
        }
    }
    rows.sort();
    if rows.is_empty() {
        rows.push("nothing".to_owned());
    }
    rows
}
