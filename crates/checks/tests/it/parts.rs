//! The audit by files against the audit of everything: tables that change at random, checks that are made at random.
//!
//! `LOCKGATE_PARTS_SEEDS` says how many tables are tried.

use std::sync::Arc;

use chrono::{DateTime, TimeZone, Utc};
use lockgate_checks::{AuditContext, AuditReport, Check, KnownParts, Parts};
use lockgate_engine::PinnedTable;
use lockgate_project::GateMode;
use lockgate_types::{
    Actor, AssetName, CheckOutcome, CheckState, DataFile, Fingerprint, Schema, Version, VersionNumber, VersionState,
};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::random::{COLUMNS, Rule, cell, compile, rules, same_profile};
use crate::staged::stage_as;
use crate::world::{Table, World};

type Row = Vec<Option<String>>;

/// As many tables as see everything happen.
const SEEDS: u64 = 4;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2014, 1, 1, 0, 0, 0).unwrap()
}

/// A table that grows and shrinks by whole files.
struct Growing {
    world: World,
    schema: Schema,
    files: Vec<(DataFile, Vec<Row>)>,
    version: u64,
    prefix: String,
}

impl Growing {
    fn new(schema: &Schema) -> Growing {
        let (world, prefix) = (World::new(256 << 20), String::new());
        Growing { world, schema: schema.clone(), files: Vec::new(), version: 0, prefix }
    }

    async fn add(&mut self, rows: Vec<Row>, rows_per_file: usize) {
        self.version += 1;
        let table = Table { schema: self.schema.clone(), rows };
        let number = VersionNumber(self.version);
        let staged = stage_as(&self.world, "mart.t", number, &table, &[], rows_per_file).await;
        self.prefix = staged.prefix.clone();
        let mut rows = table.rows.into_iter();
        for file in staged.files.iter() {
            let own = rows.by_ref().take(usize::try_from(file.rows).unwrap()).collect();
            self.files.push((file.clone(), own));
        }
    }

    fn rows(&self) -> Vec<Row> {
        self.files.iter().flat_map(|(_, rows)| rows.clone()).collect()
    }

    fn files(&self) -> Vec<DataFile> {
        self.files.iter().map(|(file, _)| file.clone()).collect()
    }

    /// Makes files that lie in the store unreadable, or readable again.
    fn hide(&self, files: &[DataFile], hidden: bool) {
        for file in files {
            let path = self.world.lake.root().join(&self.prefix).join(&file.path);
            let aside = path.with_extension("hidden");
            let (from, to) = if hidden { (&path, &aside) } else { (&aside, &path) };
            std::fs::rename(from, to).unwrap();
        }
    }

    async fn audit(&self, checks: &[Check], live: Option<&Version>, parts: Option<KnownParts<'_>>) -> AuditReport {
        let asset: AssetName = "mart.t".parse().unwrap();
        let candidate = PinnedTable {
            name: asset.clone(),
            schema: self.schema.clone(),
            partition_by: Vec::new(),
            files: Arc::new(self.files()),
            prefix: self.prefix.clone(),
        };
        let session = self.world.session(now());
        session.register(candidate.clone()).unwrap();
        let cx = AuditContext {
            session: &session,
            asset: &asset,
            candidate: &candidate,
            rejects: None,
            live,
            as_of: now(),
            now: now(),
            known: &[],
            suppressions: &[],
            gate: GateMode::Block,
            parts,
        };
        lockgate_checks::audit(checks, cx).await.unwrap()
    }
}

fn fingerprint() -> Fingerprint {
    Fingerprint("checks".to_owned())
}

fn version(table: &Growing, checks: Vec<CheckOutcome>) -> Version {
    Version {
        asset: "mart.t".parse().unwrap(),
        number: VersionNumber(table.version),
        state: VersionState::Published,
        run: None,
        actor: Actor("ada".to_owned()),
        fingerprint: Fingerprint("code".to_owned()),
        checks_fingerprint: fingerprint(),
        inputs: std::collections::BTreeMap::new(),
        schema: table.schema.clone(),
        partition_by: Vec::new(),
        files: table.files(),
        rows: 0,
        size_bytes: 0,
        rejects: None,
        source_state: serde_json::Value::Null,
        profile: None,
        checks,
        base_delta_version: None,
        base: None,
        delta_version: None,
        staged_at: now(),
        published_at: None,
        as_of: now(),
        why: None,
        restores: None,
        build_ms: 0,
        audit_ms: 0,
        candidate_key: String::new(),
    }
}

fn row(random: &mut SmallRng, spread: i64) -> Row {
    COLUMNS.iter().map(|(name, _)| cell(random, name, spread)).collect()
}

fn extra(yaml: &str) -> Rule {
    Rule { yaml: yaml.to_owned(), column: "i", fails: Box::new(|_| false) }
}

/// What both audits said, as far as it is exact; quantiles are compared with the values themselves.
fn same(seed: u64, table: &Growing, mut found: AuditReport, expected: &AuditReport) {
    for (found, expected) in found.outcomes.iter().zip(&expected.outcomes) {
        assert_eq!(found, expected, "seed {seed}");
    }
    let rows = table.rows();
    for (at, column) in found.profile.columns.iter_mut().enumerate() {
        let cells: Vec<Option<&str>> = rows.iter().map(|row| row[at].as_deref()).collect();
        same_profile(column, COLUMNS[at].0, &cells);
        let expected = &expected.profile.columns[at];
        assert_eq!(column.quantiles.is_some(), expected.quantiles.is_some(), "seed {seed}");
        column.quantiles = expected.quantiles;
    }
    assert_eq!(found.profile, expected.profile, "seed {seed}");
    assert_eq!(found.outcomes.len(), expected.outcomes.len());
}

/// Counts, samples and the profile are those of the audit of everything, whatever came and went; and what is known is not
/// read again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audit_by_files_says_what_an_audit_of_everything_says() {
    let seeds = std::env::var("LOCKGATE_PARTS_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let (mut failing, mut reused, mut repeated, mut limited) = (0, 0, 0, 0);
    for seed in 0..seeds {
        let mut random = SmallRng::seed_from_u64(1_000 + seed);
        let spread = [1_000_000, 3, 40][seed as usize % 3];
        let mut rules = rules(&mut random, spread.min(4000));
        // Sample rows of more checks than these would be too much to be kept.
        while rules.len() > 2 {
            rules.remove(random.random_range(0..rules.len()));
        }
        rules.push(extra("rows: { min: 2000 }"));
        rules.push(extra("fresh: { t: 1d }"));
        // Its key has few doubles where the spread is wide. It reads every file, so that none is hidden then.
        let keyed = seed % 2 == 0;
        if keyed {
            rules.push(extra("unique: [i, w, s]"));
        }
        let filter = ["n > 0", "true"][seed as usize / 2 % 2];
        let compiled = compile(&rules, Some(filter), false, Vec::new());
        let (checks, mut table) = (compiled.checks, Growing::new(&compiled.table.schema));
        let (mut live, mut known): (Option<Version>, Parts) = (None, Parts::default());
        for _ in 0..5 {
            let size = [0, 1, 5, 500, 6_000, 6_000][random.random_range(0..6)];
            let mut rows: Vec<Row> = (0..size).map(|_| row(&mut random, spread)).collect();
            if random.random_ratio(1, 3) {
                rows.extend(table.rows().into_iter().take(2));
            }
            table.files.retain(|_| !random.random_ratio(1, 5));
            if !rows.is_empty() {
                table.add(rows, [2_000, 10_000][random.random_range(0..2)]).await;
            }
            let expected = table.audit(&checks, live.as_ref(), None).await;
            // As another process would find them.
            known = Parts::decode(&known.encode()).unwrap();
            let hidden: Vec<DataFile> = if keyed { Vec::new() } else { known_files(&table, &known) };
            table.hide(&hidden, true);
            let checks_fingerprint = fingerprint();
            let parts = KnownParts { known: &known, checks_fingerprint: &checks_fingerprint };
            let found = table.audit(&checks, live.as_ref(), Some(parts)).await;
            table.hide(&hidden, false);
            reused += hidden.len();
            failing += found.outcomes.iter().map(|outcome| outcome.failing).sum::<u64>();
            let of_key = found.outcomes.iter().find(|outcome| outcome.kind == "unique");
            let passed = |outcome: &CheckOutcome| outcome.state == CheckState::Passed;
            repeated += u64::from(of_key.is_some_and(|outcome| !passed(outcome)));
            let before = live.iter().flat_map(|live| &live.checks).find(|outcome| outcome.kind == "unique");
            limited += u64::from(before.is_some_and(passed));
            live = Some(version(&table, expected.outcomes.clone()));
            known = found.parts.clone();
            same(seed, &table, AuditReport { parts: Parts::default(), ..found }, &expected);
        }
    }
    if seeds >= SEEDS {
        assert!(failing > 10_000 && reused > 3, "{failing} failing rows, {reused} files were not read");
        assert!(repeated > 0 && limited > 0, "{repeated} keys repeated, {limited} looked at what came");
    }
}

/// The files that parts are kept of: with none but them in the table, nothing is read.
fn known_files(table: &Growing, known: &Parts) -> Vec<DataFile> {
    table.files().into_iter().filter(|file| known.has(&file.path)).collect()
}

/// Parts stay well below what they spare: of files of some size less than a tenth, and never more than a quarter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_are_small() {
    let mut random = SmallRng::seed_from_u64(3);
    let compiled = compile(&[extra("not_null: i")], None, false, Vec::new());
    let mut table = Growing::new(&compiled.table.schema);
    let checks_fingerprint = fingerprint();
    for (rows, share, is_kept) in [(30_000, 10, true), (2_000, 4, false), (9, 4, true)] {
        table.files.clear();
        table.add((0..rows).map(|_| row(&mut random, 1_000_000)).collect(), 100_000).await;
        let parts = KnownParts { known: &Parts::default(), checks_fingerprint: &checks_fingerprint };
        let found = table.audit(&compiled.checks, None, Some(parts)).await.parts;
        let (kept, file) = (found.encode().len() as u64, table.files()[0].size_bytes);
        let most = (file / share).max(2 * 1024) + 400;
        assert!(kept <= most, "{rows} rows: {kept} B are kept of a file of {file} B");
        assert_eq!(!found.is_empty(), is_kept, "{rows} rows: {kept} B are kept of a file of {file} B");
    }
}

/// Other checks, other columns, another file under an old path: what was known is not used.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_are_good_for_what_they_were_made_with() {
    let mut random = SmallRng::seed_from_u64(4);
    let compiled = compile(&[extra("expect: \"n < 0\"")], None, false, Vec::new());
    let mut table = Growing::new(&compiled.table.schema);
    let mut six = |n: &str| -> Vec<Row> {
        let with_n = |mut row: Row| {
            row[1] = Some(n.to_owned());
            row
        };
        (0..6).map(|_| with_n(row(&mut random, 5))).collect()
    };
    table.add(six("1"), 100).await;
    let expected = table.audit(&compiled.checks, None, None).await;
    let checks_fingerprint = fingerprint();
    let none = KnownParts { known: &Parts::default(), checks_fingerprint: &checks_fingerprint };
    let first = table.audit(&compiled.checks, None, Some(none)).await;
    assert_eq!(first.outcomes, expected.outcomes);
    assert!(first.parts.has(&table.files[0].0.path));

    let other = compile(&[extra("expect: \"n < 3\"")], None, false, Vec::new());
    let other_fingerprint = Fingerprint("other checks".to_owned());
    let parts = KnownParts { known: &first.parts, checks_fingerprint: &other_fingerprint };
    let found = table.audit(&other.checks, None, Some(parts)).await;
    assert_eq!(found.outcomes, table.audit(&other.checks, None, None).await.outcomes);
    assert_ne!(found.outcomes[0].failing, expected.outcomes[0].failing);

    // The same path once more, as after a catalog that was lost together with the folder.
    let path = table.world.lake.root().join(&table.prefix).join(&table.files[0].0.path);
    std::fs::remove_file(path).unwrap();
    table.files.clear();
    table.version = 0;
    table.add(six("-1"), 100).await;
    let parts = KnownParts { known: &first.parts, checks_fingerprint: &checks_fingerprint };
    let found = table.audit(&compiled.checks, None, Some(parts)).await;
    let expected = table.audit(&compiled.checks, None, None).await;
    assert_eq!(found.outcomes, expected.outcomes);
    assert_eq!(found.outcomes[0].failing, 0);
}
