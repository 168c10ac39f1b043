//! The store as a whole: environments, probes, a store that cannot be written.

use std::path::{Path, PathBuf};

use lockgate_lake::{CODES, FAULT_POINTS, Lake};
use lockgate_types::Effects;

use crate::support::{live_rows, publish, rows, simple, simple_rows, store};

#[tokio::test]
async fn environments_have_their_own_tables() {
    let store = store();
    let dev = Lake::open(store.folder.path(), "dev", Effects::real()).unwrap();
    let (live, tried) = (store.table("raw.orders"), dev.table(&"raw.orders".parse().unwrap()));
    assert_eq!(tried.prefix().as_ref(), "env/dev/tables/raw/orders");
    publish(&tried, 1, &simple(), &[], &[simple_rows(0..3)], &[]).await;
    assert_eq!(live.head().await.unwrap(), None);
    assert_eq!(rows(&live_rows(&tried, &simple(), &[]).await), 3);
    let rejects = store.lake.table(&live.asset().rejects());
    assert_eq!(rejects.prefix().as_ref(), "tables/raw/orders__rejects");
}

#[tokio::test]
async fn a_local_store_passes_the_probe_and_is_left_clean() {
    let store = store();
    store.lake.probe().await.unwrap();
    assert!(crate::support::files_below(store.folder.path()).is_empty());
}

#[tokio::test]
async fn a_relative_store_works_from_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let relative = pathdiff(folder.path());
    let lake = Lake::open(&relative, "default", Effects::real()).unwrap();
    assert!(lake.root().is_absolute());
    publish(&lake.table(&"raw.orders".parse().unwrap()), 1, &simple(), &[], &[simple_rows(0..3)], &[]).await;
    assert!(folder.path().join("tables/raw/orders/_delta_log").is_dir());
}

/// `folder` as seen from the current folder.
fn pathdiff(folder: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap();
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    up.join(folder.strip_prefix("/").unwrap())
}

/// A folder that nobody can write, or that this user cannot.
fn read_only() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let mut permissions = std::fs::metadata(folder.path()).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(folder.path(), permissions).unwrap();
    let root_writes_anyway = std::fs::write(folder.path().join("probe"), "").is_ok();
    // Not even root creates a folder there.
    let path = if root_writes_anyway { PathBuf::from("/sys/lockgate") } else { folder.path().join("store") };
    (folder, path)
}

#[test]
fn a_store_that_cannot_be_written_is_named() {
    let (_folder, path) = read_only();
    let error = Lake::open(&path, "default", Effects::real()).unwrap_err();
    let diagnostic = error.diagnostic();
    assert_eq!(diagnostic.code.id, "LG0501", "{error}");
    assert_eq!(diagnostic.place.unwrap().file, path);
    assert!(diagnostic.hint.unwrap().contains("store:"));
}

#[test]
fn a_store_that_cannot_take_a_file_is_told_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), "default", Effects::real()).unwrap();
    lake.ensure_writable().unwrap();
    // Root writes whatever the permissions say, so the folder of the tables goes instead.
    std::fs::remove_dir(folder.path().join("tables")).unwrap();
    let error = lake.ensure_writable().unwrap_err();
    assert!(error.to_string().contains("tables"), "{error}");
}

#[test]
fn a_file_in_the_way_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    std::fs::write(&path, "not a folder").unwrap();
    let error = Lake::open(&path, "default", Effects::real()).unwrap_err();
    assert_eq!(error.diagnostic().code.id, "LG0503", "{error}");
    assert!(error.to_string().contains("store"), "{error}");
}

#[test]
fn codes_and_fault_points_are_distinct_and_told() {
    let mut ids: Vec<&str> = CODES.iter().map(|code| code.id).collect();
    assert!(ids.iter().all(|id| id.starts_with("LG05")));
    ids.dedup();
    assert_eq!(ids.len(), CODES.len());
    assert!(CODES.iter().all(|code| code.text.len() > 80 && !code.title.is_empty()));
    assert!(FAULT_POINTS.iter().all(|point| point.name.starts_with("lake.") && !point.means.is_empty()));
}
