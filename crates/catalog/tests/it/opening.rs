//! Opening: by many at once, where it may not, and behind a lock.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_catalog::conformance::samples::{ENV, actor, hold_next, lease, name, publish_next, stage};
use lockgate_catalog::sqlite::open_sqlite_with;
use lockgate_catalog::{Catalog, CatalogError, open_sqlite};
use lockgate_types::Effects;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::backend::Folder;
use crate::child::{answer, command, this_program};

async fn impatient(folder: &Folder) -> Arc<dyn Catalog> {
    open_sqlite_with(&folder.path(), Effects::real(), Duration::from_millis(200)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_create_it_at_once() {
    for _ in 0..5 {
        let folder = Folder::new();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let path = folder.path();
            tasks.spawn(async move {
                let catalog = open_sqlite(&path, Effects::real()).await.unwrap();
                catalog.reserve_version(ENV, &name("raw.orders")).await.unwrap().0
            });
        }
        let mut numbers = tasks.join_all().await;
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_catalog_is_read_but_not_written() {
    let folder = Folder::new();
    let catalog = impatient(&folder).await;
    publish_next(&*catalog, &name("raw.orders")).await;
    let held_lease = lease(&*catalog, "key").await;
    let mut other = SqliteConnectOptions::new().filename(folder.path()).connect().await.unwrap();
    sqlx::query("begin immediate").execute(&mut other).await.unwrap();

    let started = Instant::now();
    let refused = catalog.reserve_version(ENV, &name("raw.orders")).await.unwrap_err();
    assert!(matches!(&refused, CatalogError::Locked { waited_ms: 200, .. }), "{refused}");
    assert_eq!(refused.fault_kind(), lockgate_types::FaultKind::Transient);
    assert!(started.elapsed() >= Duration::from_millis(190), "it did wait");
    let diagnostic = refused.diagnostic();
    assert_eq!(diagnostic.code.id, "LG0601");
    assert!(diagnostic.message.contains("catalog.db"), "{diagnostic}");
    assert!(matches!(catalog.beat(&held_lease).await, Err(CatalogError::Locked { .. })), "progress waits as well");
    assert_eq!(catalog.live_heads(ENV).await.unwrap().len(), 1, "readers wait for nobody");
    // Opening needs no write once the format is the newest.
    drop(impatient(&folder).await);

    sqlx::query("commit").execute(&mut other).await.unwrap();
    assert_eq!(catalog.reserve_version(ENV, &name("raw.orders")).await.unwrap().0, 2);
    assert!(catalog.beat(&held_lease).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_given_back_in_time_is_waited_for() {
    let folder = Folder::new();
    let catalog = open_sqlite(&folder.path(), Effects::real()).await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(folder.path()).connect().await.unwrap();
    sqlx::query("begin immediate").execute(&mut other).await.unwrap();
    let waiting = tokio::spawn(async move { catalog.reserve_version(ENV, &name("raw.orders")).await.unwrap().0 });
    tokio::time::sleep(Duration::from_millis(300)).await;
    sqlx::query("commit").execute(&mut other).await.unwrap();
    assert_eq!(waiting.await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_migrates_is_waited_for() {
    let folder = Folder::new();
    drop(impatient(&folder).await);
    let lock = std::fs::File::open(folder.path().with_extension("db.lock")).unwrap();
    lock.lock().unwrap();
    let refused = open_sqlite_with(&folder.path(), Effects::real(), Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(refused, CatalogError::Locked { .. }), "{refused}");
    lock.unlock().unwrap();
    drop(impatient(&folder).await);
}

/// A write that is given up half-way (a cancelled task) leaves nothing behind, and the next one goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_write_is_rolled_back() {
    let folder = Folder::new();
    let catalog = open_sqlite(&folder.path(), Effects::real()).await.unwrap();
    for micros in (0..3_000).step_by(50) {
        let orders = name("raw.orders");
        let write = hold_next(&*catalog, &orders);
        drop(tokio::time::timeout(Duration::from_micros(micros), write).await);
    }
    // A commit that had been sent when its write was given up still lands; the next write waits for it.
    catalog.reserve_version(ENV, &name("raw.customers")).await.unwrap();
    for staged in catalog.staged(ENV).await.unwrap() {
        let to = lockgate_types::VersionState::Failed;
        catalog.abandon(ENV, &staged.asset, staged.number, to, None, &actor("ana")).await.unwrap();
    }
    assert!(catalog.held(ENV).await.unwrap().len() <= 1);
    let held = hold_next(&*catalog, &name("raw.orders")).await;
    assert_eq!(catalog.held(ENV).await.unwrap()[0].number, held.number);
    stage(&*catalog, &name("raw.orders")).await;
}

/// Opens it in another process, which is not root: permissions do not stop root.
fn open_as_nobody(path: &Path) -> String {
    const NOBODY: u32 = 65_534;
    // Where the program lies nobody may not look, so it gets a copy. The folder says who we are.
    let copy = tempfile::tempdir().unwrap();
    set_mode(copy.path(), 0o755);
    let program = copy.path().join("it");
    std::fs::copy(this_program(), &program).unwrap();
    let mut child = command(&program, "open", path);
    if std::fs::metadata(copy.path()).unwrap().uid() == 0 {
        child.uid(NOBODY).gid(NOBODY).current_dir("/");
    }
    answer(&child.output().unwrap())
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_may_not_be_written_is_a_diagnostic() {
    let folder = Folder::new();
    let inner = folder.path().parent().unwrap().to_owned();
    set_mode(folder.folder.path(), 0o555);
    let refused = open_as_nobody(&folder.path());
    assert!(refused.starts_with("refused LG0604: the catalog "), "the folder cannot be created: {refused}");

    set_mode(folder.folder.path(), 0o755);
    std::fs::create_dir(&inner).unwrap();
    set_mode(&inner, 0o555);
    let refused = open_as_nobody(&folder.path());
    assert!(refused.starts_with("refused LG0604"), "no file can be created in it: {refused}");

    // With everything there already, but for reading only.
    set_mode(&inner, 0o755);
    let catalog = open_sqlite(&folder.path(), Effects::real()).await.unwrap();
    publish_next(&*catalog, &name("raw.orders")).await;
    catalog.close().await;
    for entry in std::fs::read_dir(&inner).unwrap() {
        set_mode(&entry.unwrap().path(), 0o444);
    }
    set_mode(&inner, 0o555);
    let refused = open_as_nobody(&folder.path());
    assert!(refused.starts_with("refused LG0604"), "{refused}");
    set_mode(&inner, 0o755);
}

#[tokio::test]
async fn a_file_where_the_folder_should_be_is_a_diagnostic() {
    let folder = Folder::new();
    std::fs::write(folder.folder.path().join(".lockgate"), "not a folder").unwrap();
    let refused = open_sqlite(&folder.path(), Effects::real()).await.unwrap_err();
    assert_eq!(refused.diagnostic().code.id, "LG0606", "{refused}");
    std::fs::remove_file(folder.folder.path().join(".lockgate")).unwrap();
    std::fs::create_dir_all(folder.path()).unwrap();
    let refused = open_sqlite(&folder.path(), Effects::real()).await.unwrap_err();
    assert!(refused.to_string().contains("catalog.db"), "{refused}");
}
