//! Runs every file under `tests/cases`; `UPDATE=1` rewrites what they expect.

use std::path::{Path, PathBuf};

use crate::case::Case;
use crate::world::{Encoding, World};

/// Ways to store and divide the same rows; all must give the same outcome, sample rows included.
const WAYS: [(Encoding, usize); 4] =
    [(Encoding::Views, 8192), (Encoding::Plain, 8192), (Encoding::Dictionaries, 2), (Encoding::Views, 1)];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_comes_out_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let only = std::env::var("CASE").unwrap_or_default();
    let update = std::env::var("UPDATE").is_ok_and(|update| update == "1");
    let world = World::new(256 << 20);
    let mut wrong = Vec::new();
    for path in files(&folder).into_iter().filter(|path| path.to_string_lossy().contains(&only)) {
        let text = std::fs::read_to_string(&path).unwrap();
        let (case, expected) = Case::parse(&text);
        let shown = path.strip_prefix(&folder).unwrap().display().to_string();
        let (encoding, batch) = WAYS[0];
        let found = case.run(&world, encoding, batch).await;
        for (encoding, batch) in &WAYS[1..] {
            let other = case.run(&world, *encoding, *batch).await;
            if other != found {
                wrong.push(format!(
                    "{shown}: as {encoding:?} in batches of {batch} it is another\n{other}instead of\n{found}"
                ));
            }
        }
        if found == expected {
            continue;
        }
        if update {
            std::fs::write(&path, format!("{}=== expect\n{found}", case.head)).unwrap();
        } else {
            wrong.push(format!("{shown}: found\n{found}instead of\n{expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases are wrong; UPDATE=1 rewrites them\n\n{}", wrong.len(), wrong.join("\n"));
}
