//! The suite of every backend, on SQLite.

use crate::backend::Sqlite;

lockgate_catalog::conformance_suite!(Sqlite);

/// A case that stands in the suite's files but not in its list would never run.
#[test]
fn no_case_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conformance");
    let mut written = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            if let Some((case, _)) =
                line.strip_prefix("pub async fn ").and_then(|rest| rest.split_once("(shared: &dyn Shared)"))
            {
                written.push((module.clone(), case.to_owned()));
            }
        }
    }
    assert!(written.len() > 40, "the files were not found: {}", written.len());
    for (module, case) in &written {
        assert!(CONFORMANCE_CASES.contains(&(module, case)), "{module}::{case} is not in `conformance_suite!`");
    }
    assert_eq!(written.len(), CONFORMANCE_CASES.len());
}
