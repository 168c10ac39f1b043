//! Ctrl-C stops a run cleanly: nothing half is published, the exit code says so, and the next run goes on.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::session::shell;

/// A source that takes a while in a debug build.
fn large_project(folder: &Path) {
    std::fs::create_dir_all(folder.join("assets/raw")).unwrap();
    std::fs::create_dir_all(folder.join("data")).unwrap();
    std::fs::write(folder.join("lockgate.yml"), "name: large\n").unwrap();
    std::fs::write(
        folder.join("assets/raw/numbers.yml"),
        "kind: source\nread: { path: data/*.csv }\ncolumns: { id: bigint, word: string }\nchecks: [{ unique: id }]\n",
    )
    .unwrap();
    let mut text = "id,word\n".to_owned();
    for id in 0..1_500_000 {
        text.push_str(&format!("{id},\"a word, and another one\"\n"));
    }
    std::fs::write(folder.join("data/numbers.csv"), text).unwrap();
}

fn signal(id: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status().unwrap().success());
}

#[test]
fn an_interrupted_run_ends_with_130_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    large_project(folder.path());
    let staged = folder.path().join("store/tables/raw/numbers/_lockgate");
    for name in ["INT", "TERM"] {
        let _ = std::fs::remove_dir_all(&staged);
        let mut run = shell("exec lockgate run", folder.path());
        let child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for_staging(&staged);
        signal(child.id(), name);
        let output = child.wait_with_output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(130), "{said}");
        assert!(said.contains("interrupted"), "{said}");
        let rows = shell("lockgate query 'select count(*) as n from raw.numbers' --format csv", folder.path())
            .output()
            .unwrap();
        assert_eq!(rows.status.code(), Some(2), "nothing is published");
    }
    let again = shell("lockgate run", folder.path()).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
    let rows =
        shell("lockgate query 'select count(*) as n from raw.numbers' --format csv", folder.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&rows.stdout), "n\n1500000\n");
}

/// Until the first file of this run is being staged: from then on it is past its start.
fn wait_for_staging(staged: &Path) {
    for _ in 0..600 {
        if staged.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no staging in {}", staged.display());
}
