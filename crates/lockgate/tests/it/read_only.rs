//! A store that this user may read and not write: readers go on, a run says what is wrong, and nothing is lost.

#![cfg(unix)]

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// `nobody`. Permissions do not bind root, so a test that runs as root steps down.
const UNPRIVILEGED: u32 = 65534;

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Everything below a folder, itself first.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut next = 0;
    while next < found.len() {
        if found[next].is_dir() {
            found.extend(std::fs::read_dir(&found[next]).unwrap().map(|entry| entry.unwrap().path()));
        }
        next += 1;
    }
    found
}

fn set_writable(folder: &Path, writable: bool) {
    for path in all_below(folder) {
        let mode = match (path.is_dir(), writable) {
            (true, true) => 0o755,
            (true, false) => 0o555,
            (false, true) => 0o644,
            (false, false) => 0o444,
        };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn a_read_only_store_can_be_queried_and_stops_a_run_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("lockgate.yml", "name: shop\n");
    write("assets/raw/orders.yml", "kind: source\nread: { path: data/orders.csv }\n");
    write("data/orders.csv", "id\n1\n");
    // The build's own folder may be closed to others.
    let binary = folder.path().join("lockgate");
    std::fs::copy(env!("CARGO_BIN_EXE_lockgate"), &binary).unwrap();
    if is_root() {
        for path in all_below(folder.path()) {
            chown(&path, Some(UNPRIVILEGED), Some(UNPRIVILEGED)).unwrap();
        }
    }
    let lockgate = |words: &[&str]| -> Output {
        let mut command = Command::new(&binary);
        command.args(words).current_dir(folder.path()).env("LOCKGATE_ACTOR", "ada");
        if is_root() {
            command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        }
        command.output().unwrap()
    };
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let ids = || {
        let output = lockgate(&["query", "select id from raw.orders order by id", "--format", "csv"]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };

    let first = lockgate(&["run"]);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let store = folder.path().join("store");
    set_writable(&store, false);
    write("data/orders.csv", "id\n1\n2\n");

    let refused = lockgate(&["run"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("error[LG0501]: the store cannot be written"), "{}", said(&refused));
    assert!(said(&refused).contains(store.to_str().unwrap()), "{}", said(&refused));
    assert_eq!(ids(), "id\n1\n", "readers go on");

    set_writable(&store, true);
    let again = lockgate(&["run"]);
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert_eq!(ids(), "id\n1\n2\n", "nothing was lost");
}
