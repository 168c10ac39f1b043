//! Files that somebody removed by hand: who reads them says which one is gone, and the doctor what to do.

use std::path::{Path, PathBuf};

use crate::session::shell;

fn orders() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("lockgate.yml", "name: shop\n"),
        ("data/orders.csv", "id,amount\n1,10\n2,20\n"),
        (
            "assets/raw/orders.yml",
            "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, amount: bigint }\n",
        ),
        ("assets/mart/totals.sql", "select id, amount from raw.orders\n"),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    told(folder.path(), "lockgate run", 0, &["2 published"]);
    folder
}

fn told(folder: &Path, line: &str, code: i32, words: &[&str]) {
    let output = shell(line, folder).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{line}: {said}");
    for word in words {
        assert!(said.contains(word), "{line} does not say `{word}`: {said}");
    }
}

fn part_of(folder: &Path, table: &str) -> PathBuf {
    let version = folder.join(format!("store/tables/{table}/_lockgate/v1"));
    let parts = std::fs::read_dir(version).unwrap().map(|entry| entry.unwrap().path());
    parts.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "parquet")).unwrap()
}

const SUM: &str = "lockgate query 'select sum(amount) as s from mart.totals' --format csv";

#[test]
fn a_published_file_that_is_gone() {
    let folder = orders();
    let part = part_of(folder.path(), "mart/totals");
    std::fs::remove_file(&part).unwrap();
    let name = part.file_name().unwrap().to_str().unwrap().to_owned();
    told(folder.path(), SUM, 1, &[&name, "LG0223", "lockgate doctor"]);
    told(folder.path(), "lockgate doctor", 1, &["mart.totals", "run mart.totals --force"]);
    told(folder.path(), "lockgate run mart.totals --force", 0, &["1 published"]);
    told(folder.path(), SUM, 0, &["s\n30\n"]);
    // A reader of it that is built meanwhile fails by name, and publishes nothing.
    let part = part_of(folder.path(), "raw/orders");
    std::fs::remove_file(&part).unwrap();
    let name = part.file_name().unwrap().to_str().unwrap().to_owned();
    told(folder.path(), "lockgate run mart.totals --force", 1, &[&name, "mart.totals FAILED"]);
    told(folder.path(), SUM, 0, &["s\n30\n"]);
}

#[test]
fn a_catalog_that_is_gone() {
    let folder = orders();
    for file in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(".lockgate").join(file));
    }
    told(folder.path(), "lockgate run", 1, &["LG0733", "doctor --rebuild"]);
    told(folder.path(), "lockgate doctor --rebuild --why 'it was lost'", 0, &[]);
    told(folder.path(), SUM, 0, &["s\n30\n"]);
    told(folder.path(), "lockgate run", 0, &["nothing to run"]);
}

#[test]
fn a_store_that_is_gone() {
    let folder = orders();
    let (store, aside) = (folder.path().join("store"), folder.path().join("aside"));
    std::fs::rename(&store, &aside).unwrap();
    told(folder.path(), SUM, 1, &["store/tables/mart/totals"]);
    told(folder.path(), "lockgate doctor", 1, &["raw.orders", "mart.totals"]);
    std::fs::write(folder.path().join("data/orders.csv"), "id,amount\n1,10\n2,25\n").unwrap();
    // What is new cannot follow what is lost, and does not pretend to.
    told(folder.path(), "lockgate run", 1, &["LG0737", "none of the 2 tables", "mount it"]);
    if store.exists() {
        std::fs::remove_dir_all(&store).unwrap();
    }
    std::fs::rename(&aside, &store).unwrap();
    told(folder.path(), SUM, 0, &["s\n30\n"]);
    told(folder.path(), "lockgate run", 0, &["2 published"]);
    told(folder.path(), SUM, 0, &["s\n35\n"]);
    told(folder.path(), "lockgate doctor", 0, &[]);
}

#[test]
fn a_source_that_is_gone() {
    let folder = orders();
    std::fs::remove_file(folder.path().join("data/orders.csv")).unwrap();
    told(folder.path(), "lockgate run", 1, &["data/orders.csv"]);
    told(folder.path(), SUM, 0, &["s\n30\n"]);
}
