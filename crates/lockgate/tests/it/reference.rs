//! The generated reference is that of the code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn the_reference_is_fresh() {
    let fresh = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_lockgate")).arg("reference").arg("--out").arg(fresh.path()).output();
    assert!(status.unwrap().status.success());
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let (fresh, kept) = (pages(fresh.path()), pages(&kept));
    assert_eq!(kept.keys().collect::<Vec<_>>(), fresh.keys().collect::<Vec<_>>(), "run `cargo xtask docs`");
    for (page, text) in &fresh {
        assert!(kept[page] == *text, "docs/reference/{} is stale; run `cargo xtask docs`", page.display());
    }
}

fn pages(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut pages = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                pages.insert(path.strip_prefix(folder).unwrap().to_owned(), text);
            }
        }
    }
    pages
}
