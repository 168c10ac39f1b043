//! A table that Lockgate 0.1 wrote stays readable for ever.
//!
//! `tests/fixtures/v1` was written by `write_fixture`; a new format adds a folder and never touches the old ones.

use std::path::{Path, PathBuf};

use lockgate_lake::Lake;
use lockgate_types::{Effects, VersionNumber};

use crate::support::{every_type, every_type_rows, live_rows, publish, rows, sorted};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() { copied(&entry.path(), &target) } else { drop(std::fs::copy(entry.path(), target)) }
    }
}

#[tokio::test]
async fn a_table_of_format_1_is_read_and_continued() {
    let folder = tempfile::tempdir().unwrap();
    copied(&fixture("v1"), folder.path());
    let lake = Lake::open(folder.path(), "default", Effects::real()).unwrap();
    let table = lake.table(&"raw.every_type".parse().unwrap());
    assert_eq!(table.head().await.unwrap(), Some(11));
    assert_eq!(table.published_by(11).await.unwrap(), Some(VersionNumber(12)));
    let live = live_rows(&table, &every_type(), &["date"]).await;
    assert_eq!(sorted(&live, 1), every_type_rows(48, 4));
    let recorded = table.recorded(VersionNumber(12)).await.unwrap().unwrap();
    assert_eq!(recorded.files, table.files_at(11).await.unwrap());
    assert_eq!(recorded.schema, every_type());
    let commit = table.load_commit(VersionNumber(12), Some(10)).await.unwrap().unwrap();
    assert_eq!(commit.delta_version(), 11);
    // Older versions are read by the lists that version.json keeps.
    let first = table.recorded(VersionNumber(1)).await.unwrap().unwrap();
    let read = table.read(&first.files, &first.schema, &first.partition_by, None).await.unwrap();
    assert_eq!(rows(&read), 4);
    publish(&table, 13, &every_type(), &["date"], &[every_type_rows(0, 5)], &recorded.files).await;
    assert_eq!(rows(&live_rows(&table, &every_type(), &["date"]).await), 5);
}

/// Writes the fixture of the current format: `LOCKGATE_WRITE_FIXTURE=vN cargo test -p lockgate-lake write_fixture`.
#[tokio::test]
async fn write_fixture() {
    let Ok(name) = std::env::var("LOCKGATE_WRITE_FIXTURE") else { return };
    let root = fixture(&name);
    assert!(!root.exists(), "a fixture is never rewritten");
    let lake = Lake::open(&root, "default", Effects::real()).unwrap();
    let table = lake.table(&"raw.every_type".parse().unwrap());
    let mut live = Vec::new();
    for number in 1..=12 {
        let batch = every_type_rows((i64::try_from(number).unwrap()) * 4, 4);
        let version = publish(&table, number, &every_type(), &["date"], &[batch], &live).await;
        table.checkpoint(number - 1).await.unwrap();
        live = version.files;
    }
}
