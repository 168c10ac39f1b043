//! Cases are folders under `tests/cases`: `source.yml`, the files it reads under `data/`, and `expected.txt`. A folder
//! `data2` beside them holds what arrives before a second run. `UPDATE=1` rewrites the expected side.

use std::path::{Path, PathBuf};

use crate::harness::World;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn world_of(folder: &Path, threads: usize) -> World {
    let mut world = World::new();
    world.threads = threads;
    world.source(&std::fs::read_to_string(folder.join("source.yml")).unwrap());
    copy(&folder.join("data"), &world.root().join("data"));
    world
}

async fn run(folder: &Path) -> String {
    let mut told = world_of(folder, 2).told(None).await;
    // However many workers read, the rows are the same.
    for threads in [1, 5] {
        assert_eq!(told, world_of(folder, threads).told(None).await, "{threads} threads, {}", folder.display());
    }
    if folder.join("data2").is_dir() {
        let world = world_of(folder, 2);
        let built = world.build(None).await.unwrap();
        let live = world.publish(None, built);
        copy(&folder.join("data2"), &world.root().join("data"));
        told.push_str("then:\n");
        told.push_str(&world.told(Some(&live)).await);
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_comes_out_as_its_file_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let update = std::env::var_os("UPDATE").is_some();
    let only = std::env::var("CASE").ok();
    let mut wrong = Vec::new();
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let told = run(&folder).await;
        let file = folder.join("expected.txt");
        if update {
            std::fs::write(file, told).unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(file).unwrap_or_default();
        if told != expected {
            wrong.push(format!("--- {name}: expected\n{expected}--- but got\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every word that the issue and the settings use for a format or an option has a case of that name.
#[test]
fn every_word_has_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for word in [
        "csv",
        "jsonl",
        "parquet",
        "arrow",
        "arrow_stream",
        "avro",
        "gzip",
        "zstd",
        "path",
        "glob",
        "format",
        "delimiter",
        "quote",
        "escape",
        "header",
        "nulls",
        "compression",
        "max_line",
        "evolve_freeze",
        "evolve_add",
        "evolve_any",
        "rejects",
        "columns",
        "required",
        "quoted_newlines",
        "crlf",
        "byte_order_mark",
        "reordered_columns",
        "new_column",
        "missing_column",
        "missing_file",
        "truncated_gzip",
        "wrong_parquet_footer",
        "truncated_avro",
        "invalid_utf8",
        "cut_short",
        "open_quote",
        "good_last_line",
        "load_append",
        "inference",
        "rejects_share",
        "connection",
        "empty_file",
        "no_match",
        "utf16",
        "truncated_zstd",
        "types",
    ] {
        assert!(root.join(word).join("source.yml").is_file(), "tests/cases/{word} is missing");
    }
}
