//! Parts played by other processes: this test binary, started again with a part to play.

use std::path::Path;
use std::process::{Command, Output};

use lockgate_catalog::conformance::faults::story;
use lockgate_catalog::conformance::samples::{ENV, name, publish_next};
use lockgate_catalog::{CatalogError, open_sqlite};
use lockgate_types::Effects;

const PART: &str = "LOCKGATE_CATALOG_PART";
const PATH: &str = "LOCKGATE_CATALOG_PATH";

/// A process that plays `part` on the catalog at `path`.
pub(crate) fn command(program: &Path, part: &str, path: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", "child::plays_its_part", "--ignored", "--nocapture"]).env(PART, part).env(PATH, path);
    command
}

pub(crate) fn this_program() -> std::path::PathBuf {
    std::env::current_exe().unwrap()
}

/// What a child printed after `answer: `.
pub(crate) fn answer(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().find_map(|line| line.split_once("answer: ")) {
        Some((_, answer)) => answer.to_owned(),
        None => panic!("no answer in {output:?}"),
    }
}

#[test]
#[ignore = "started by other tests as a process of its own"]
fn plays_its_part() {
    let Ok(part) = std::env::var(PART) else { return };
    let path = std::env::var(PATH).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let answer = runtime.block_on(play(&part, Path::new(&path)));
    println!("answer: {answer}");
}

async fn play(part: &str, path: &Path) -> String {
    // Faults come from `LOCKGATE_FAULTS`, as in production.
    let opened = open_sqlite(path, Effects::real()).await;
    match (part, opened) {
        ("open", Ok(_)) => "opened".to_owned(),
        ("open", Err(error @ CatalogError::ReadOnly { .. })) => format!("refused {}", error.diagnostic()),
        ("reserve", Ok(catalog)) => {
            let mut numbers = Vec::new();
            for _ in 0..40 {
                numbers.push(catalog.reserve_version(ENV, &name("raw.shared")).await.unwrap().0.to_string());
            }
            publish_next(&*catalog, &name(&format!("raw.p{}", std::process::id()))).await;
            numbers.join(" ")
        }
        ("story", Ok(catalog)) => match story(&*catalog, "killed", 1).await {
            Ok(()) => "told".to_owned(),
            Err(error) => format!("failed: {error}"),
        },
        (part, opened) => panic!("{part}: {opened:?}"),
    }
}
