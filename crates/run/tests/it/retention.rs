//! What tests of retention share: histories, and what lies in the store.

use std::collections::BTreeMap;
use std::path::Path;

use lockgate_run::GcReport;
use lockgate_types::{AssetName, VersionNumber, VersionState};

use crate::world::World;

/// The usual project with `keep: KEEP`, and `versions` versions of each asset, the newest live. Version N of
/// `raw.orders` has N rows that sum up to N * (N + 1) / 2.
pub(crate) async fn history(keep: &str, versions: u64) -> World {
    let world = World::orders();
    set_keep(&world, keep);
    for number in 1..=versions {
        publish(&world, number).await;
    }
    world
}

pub(crate) fn set_keep(world: &World, keep: &str) {
    let keep = if keep.is_empty() { String::new() } else { format!("keep: {keep}\n") };
    world.write("lockgate.yml", &format!("name: test\nengine: {{ memory: 256MB, threads: 2 }}\n{keep}"));
}

/// The CSV of version `number`.
pub(crate) fn orders(number: u64) -> String {
    let rows: String = (1..=number).map(|id| format!("{id},{id}\n")).collect();
    format!("id,amount\n{rows}")
}

pub(crate) async fn publish(world: &World, number: u64) {
    world.write("data/orders.csv", &orders(number));
    let summary = world.run().await;
    assert_eq!(summary.state, lockgate_types::RunState::Done, "{summary:#?}");
}

pub(crate) async fn gc(world: &World) -> GcReport {
    let (workspace, _) = world.opened().await;
    workspace.gc(false).await.unwrap_or_else(|error| panic!("{error}"))
}

/// `1 2` of an asset that were marked.
pub(crate) fn expired(report: &GcReport, asset: &str) -> String {
    let mut numbers: Vec<u64> =
        report.expired.iter().filter(|v| v.asset.to_string() == asset).map(|v| v.version.0).collect();
    numbers.sort_unstable();
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
}

/// `version 3: why`, of one table.
pub(crate) fn spared(report: &GcReport, table: &str) -> Vec<String> {
    let of_table = report.spared.iter().filter(|spared| spared.table.to_string() == table);
    of_table
        .map(|spared| {
            let version = spared.version.map_or_else(String::new, |number| format!("version {number}: "));
            format!("{version}{}", spared.reason)
        })
        .collect()
}

pub(crate) async fn states(world: &World, asset: &str) -> BTreeMap<u64, VersionState> {
    let (workspace, _) = world.opened().await;
    let name: AssetName = asset.parse().unwrap();
    workspace.history(&name).await.unwrap().into_iter().map(|version| (version.number.0, version.state)).collect()
}

/// The numbers that have a folder of an asset's.
pub(crate) fn folders(world: &World, asset: &str) -> Vec<u64> {
    let staged = table(world, asset).join("_lockgate");
    let mut numbers: Vec<u64> = std::fs::read_dir(staged)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap()[1..].parse().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers
}

pub(crate) fn table(world: &World, asset: &str) -> std::path::PathBuf {
    world.root().join("store/tables").join(asset.replace('.', "/"))
}

/// Every file below, relative, with its size.
pub(crate) fn below(folder: &Path) -> BTreeMap<String, u64> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let shown = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(shown, path.metadata().unwrap().len());
            }
        }
    }
    files
}

pub(crate) fn number(number: u64) -> VersionNumber {
    VersionNumber(number)
}
