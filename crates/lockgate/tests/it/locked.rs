//! Another process holds the catalog's write lock.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::session::shell;

/// Holds it for so many seconds, with Python's SQLite.
fn hold(folder: &Path, seconds: f64) -> Child {
    let python = std::env::var("LOCKGATE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = format!(
        "import sqlite3, time\n\
         db = sqlite3.connect('.lockgate/catalog.db', isolation_level=None)\n\
         db.execute('begin immediate')\n\
         print('held', flush=True)\n\
         time.sleep({seconds})\n\
         db.execute('rollback')\n"
    );
    let mut child = Command::new(&python)
        .args(["-c", &script])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{python} is needed to hold the lock; set LOCKGATE_TEST_PYTHON: {error}"));
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    child
}

fn told(folder: &Path, line: &str, code: i32, words: &[&str]) {
    let output = shell(line, folder).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{line}: {said}");
    for word in words {
        assert!(said.contains(word), "{line} does not say `{word}`: {said}");
    }
}

#[test]
fn a_locked_catalog_is_waited_for_and_then_named() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("lockgate.yml", "name: shop\n"),
        ("data/orders.csv", "id\n1\n"),
        ("assets/raw/orders.yml", "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint }\n"),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    told(folder.path(), "lockgate run", 0, &["1 published"]);
    std::fs::write(folder.path().join("data/orders.csv"), "id\n1\n2\n").unwrap();

    let mut holder = hold(folder.path(), 600.0);
    told(
        folder.path(),
        "LOCKGATE_BUSY_MS=300 lockgate run",
        1,
        &["LG0601", "was locked by another process for 300 ms"],
    );
    // Readers wait for nobody.
    told(
        folder.path(),
        "LOCKGATE_BUSY_MS=300 lockgate query 'select count(*) as n from raw.orders' --format csv",
        0,
        &["n\n1\n"],
    );
    told(folder.path(), "LOCKGATE_BUSY_MS=300 lockgate status", 0, &["raw.orders"]);
    holder.kill().unwrap();
    holder.wait().unwrap();

    let mut holder = hold(folder.path(), 1.5);
    told(folder.path(), "lockgate run", 0, &["1 published"]);
    assert!(holder.wait().unwrap().success());
}
