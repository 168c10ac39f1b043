//! Over files as they are staged: several of them, partitioned, in an engine with little memory.

use std::sync::Arc;

use chrono::{DateTime, TimeZone, Utc};
use lockgate_checks::{AuditContext, AuditReport, Check, SchemaLookup};
use lockgate_engine::{PinnedTable, Session};
use lockgate_lake::Layout;
use lockgate_project::GateMode;
use lockgate_types::schema::{Column, DataType};
use lockgate_types::{AssetName, CheckState, Schema, VersionNumber};

use crate::world::{Encoding, Table, World};

struct Nothing;

impl SchemaLookup for Nothing {
    fn schema(&self, _: &AssetName) -> Option<&Schema> {
        None
    }

    fn exists(&self, _: &AssetName) -> bool {
        true
    }

    fn suggest(&self, _: &AssetName) -> Option<String> {
        None
    }
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2014, 1, 1, 0, 0, 0).unwrap()
}

fn checks(schema: &Schema, checks: &str) -> Vec<Check> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("assets/mart")).unwrap();
    std::fs::write(folder.path().join("lockgate.yml"), "name: staged\n").unwrap();
    let mut text = String::from("kind: source\nread: { path: t.csv }\ncolumns:\n");
    for column in &schema.columns {
        text.push_str(&format!("  {}: \"{}\"\n", column.name, column.data_type));
    }
    std::fs::write(folder.path().join("assets/mart/t.yml"), format!("{text}checks:\n{checks}")).unwrap();
    let (project, diagnostics) = lockgate_project::load(folder.path(), None, &|_| None);
    assert!(diagnostics.is_empty(), "{diagnostics}");
    let file = project.unwrap().assets.values().next().unwrap().clone();
    lockgate_checks::compile(&file, schema, &Nothing).unwrap()
}

/// Writes a table as files of so many rows, and says how to read it.
async fn stage(world: &World, name: &str, table: &Table, partition_by: &[&str], rows_per_file: usize) -> PinnedTable {
    stage_as(world, name, VersionNumber(1), table, partition_by, rows_per_file).await
}

pub(crate) async fn stage_as(
    world: &World,
    name: &str,
    number: VersionNumber,
    table: &Table,
    partition_by: &[&str],
    rows_per_file: usize,
) -> PinnedTable {
    let asset: AssetName = name.parse().unwrap();
    let home = world.lake.table(&asset);
    let partition_by: Vec<String> = partition_by.iter().map(|name| (*name).to_owned()).collect();
    let layout = Layout { partition_by: partition_by.clone(), ..Layout::default() };
    let set = home.stage_set(number, &table.schema, layout);
    let mut files = Vec::new();
    for (at, batch) in table.batches(Encoding::Plain, rows_per_file).iter().enumerate() {
        let mut writer = set.writer(at);
        writer.write(batch).unwrap();
        files.extend(writer.finish().await.unwrap().files);
    }
    PinnedTable {
        name: asset,
        schema: table.schema.clone(),
        partition_by,
        files: Arc::new(files),
        prefix: home.prefix().to_string(),
    }
}

async fn audit(session: &Session, candidate: &PinnedTable, checks: &[Check]) -> AuditReport {
    let cx = AuditContext {
        session,
        asset: &candidate.name,
        candidate,
        rejects: None,
        live: None,
        as_of: now(),
        now: now(),
        known: &[],
        suppressions: &[],
        gate: GateMode::Block,
        parts: None,
    };
    lockgate_checks::audit(checks, cx).await.unwrap()
}

fn table(columns: &[(&str, &str)], rows: impl Iterator<Item = Vec<Option<String>>>) -> Table {
    let column = |(name, kind): &(&str, &str)| Column::new(*name, DataType::parse(kind).unwrap());
    Table { schema: Schema { columns: columns.iter().map(column).collect() }, rows: rows.collect() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_and_partitions_are_one_table() {
    let world = World::new(256 << 20);
    let rows = table(
        &[("region", "string"), ("n", "bigint"), ("x", "double")],
        (0..2_000).map(|at: i64| {
            let region = ["north", "south", "a region with a long name"].get(at as usize % 4).map(|r| (*r).to_owned());
            vec![region, Some(at.to_string()), (at % 5 != 0).then(|| (at as f64 / 3.0).to_string())]
        }),
    );
    let checks = checks(
        &rows.schema,
        "  - not_null: [region, x]\n  - accepted: { region: [north, south] }\n  - range: { n: { max: 1899 } }\n  \
         - expect: \"x < 600\"\n  - unique: [region, n]\n",
    );
    // In memory, and as 1, 7 and 8 files with and without folders: always the same outcomes and the same profile.
    let session = world.session(now());
    session.register_batches("mart", "t", rows.batches(Encoding::Plain, 8192)).unwrap();
    let in_memory = PinnedTable::empty("mart.t".parse().unwrap(), rows.schema.clone());
    let expected = audit(&session, &in_memory, &checks).await;
    let failing: Vec<u64> = expected.outcomes.iter().map(|outcome| outcome.failing).collect();
    assert_eq!(failing, [500, 400, 500, 100, 160, 0]);
    for (partition_by, size) in [(&[][..], 2_000), (&[][..], 300), (&["region"][..], 1_000)] {
        let world = World::new(256 << 20);
        let session = world.session(now());
        let candidate = stage(&world, "mart.t", &rows, partition_by, size).await;
        assert!(candidate.files.len() * size >= 2_000);
        session.register(candidate.clone()).unwrap();
        let mut report = audit(&session, &candidate, &checks).await;
        // Beyond 1,024 values quantiles are estimates that depend on the order.
        for (found, expected) in report.profile.columns.iter_mut().zip(&expected.profile.columns) {
            for (found, expected) in found.quantiles.iter().flatten().zip(expected.quantiles.iter().flatten()) {
                assert!((found - expected).abs() < 20.0, "{found} {expected}");
            }
            found.quantiles = expected.quantiles;
        }
        assert_eq!(report, expected, "{partition_by:?} {size}");
    }
}

/// More keys than fit: the result is exact all the same, and bytes were spilled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unique_and_references_spill() {
    const ROWS: i64 = 900_000;
    let world = World::new(64 << 20);
    let key = |at: i64| Some(format!("a key of some length, number {:08}", at * 7_919 % 1_000_003));
    let rows = table(
        &[("id", "string"), ("parent", "string")],
        // The last thousand repeat the first; every third parent is nowhere.
        (0..ROWS).map(|at| {
            vec![key(at % (ROWS - 1_000)), if at % 3 == 0 { Some(format!("nowhere {at}")) } else { key(at % 1_000) }]
        }),
    );
    let others = table(&[("id", "string")], (0..ROWS).map(|at| vec![key(at)]));
    let checks = checks(&rows.schema, "  - unique: id\n  - references: { parent: raw.others.id }\n");
    let session = world.session(now());
    let candidate = stage(&world, "mart.t", &rows, &[], 50_000).await;
    session.register(candidate.clone()).unwrap();
    session.register(stage(&world, "raw.others", &others, &[], 50_000).await).unwrap();
    let report = audit(&session, &candidate, &checks).await;
    let counts: Vec<(CheckState, u64)> = report.outcomes.iter().map(|o| (o.state, o.failing)).collect();
    assert_eq!(
        counts,
        [(CheckState::Failed, 2_000), (CheckState::Failed, 300_000)],
        "{:?}",
        report.outcomes[0].message
    );
    assert!(world.engine.spilled_bytes() > 0, "nothing was spilled");
}

/// Columns may be called as people like; what the queries of checks call their tables does not get in their way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_named_by_one_letter_are_columns() {
    let world = World::new(256 << 20);
    let names = ["id", "a", "b", "c", "t"];
    let columns = names.map(|name| (name, "bigint"));
    let row = |id: i64| (0..5).map(|at| Some((id * 10 + at).to_string())).collect();
    let rows = table(&columns, [1, 2, 2].into_iter().map(row));
    let others = table(&columns, [1, 3].into_iter().map(row));
    let checks = checks(&rows.schema, "  - unique: id\n  - references: { id: raw.others.id }\n");
    let session = world.session(now());
    let candidate = stage(&world, "mart.t", &rows, &[], 100).await;
    session.register(candidate.clone()).unwrap();
    session.register(stage(&world, "raw.others", &others, &[], 100).await).unwrap();
    let report = audit(&session, &candidate, &checks).await;
    let counts: Vec<(CheckState, u64)> = report.outcomes.iter().map(|o| (o.state, o.failing)).collect();
    assert_eq!(counts, [(CheckState::Failed, 2), (CheckState::Failed, 2)], "{:#?}", report.outcomes);
}
