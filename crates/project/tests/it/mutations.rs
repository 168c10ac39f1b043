//! Random damage to the cases' files: whatever comes back, it comes back.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use lockgate_project::unit_test::{self, FoundFile};
use lockgate_types::Diagnostics;

use crate::cases::{Setup, folders, read_rest};

/// A small generator, so that a failure repeats.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap()
    }
}

const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    ": ",
    ", ",
    "- ",
    "\n",
    "\r",
    "\t",
    "  ",
    "#",
    "&a ",
    "*a ",
    "!x ",
    "%",
    "@",
    "`",
    "'",
    "\"",
    "|",
    "${",
    "${A}",
    "$${",
    "? ",
    "<<: ",
    "---\n",
    "...\n",
    "/*\n",
    "*/\n",
    "\u{feff}",
    "\0",
    "\u{85}",
    "é",
    "🦀",
    "~",
    "null",
    "yes",
    "0x",
    "1e999",
    "decimal(",
    "list<",
    "struct<a: ",
    "name: x\n",
    "kind: source\n",
    "checks:\n  - ",
    "columns:\n  a: ",
    "load: ",
    "vars:\n  a: 1\n",
    "> 0.1%",
];

fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        let to = (at + random.below(20)).min(bytes.len());
        match random.below(6) {
            0 => drop(bytes.drain(at..to)),
            1 => bytes.splice(at..at, PIECES[random.below(PIECES.len())].bytes()).for_each(drop),
            2 => {
                let copied = bytes[at..to].to_vec();
                let target = random.below(bytes.len() + 1);
                bytes.splice(target..target, copied).for_each(drop);
            }
            3 if at < bytes.len() => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            4 => bytes.truncate(at),
            _ => {
                let from = random.below(other.len() + 1);
                let end = (from + random.below(60)).min(other.len());
                bytes.splice(at..to, other[from..end].to_vec()).for_each(drop);
            }
        }
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
}

/// `MUTATIONS=n` does `n` for each file; `SEED=n` starts elsewhere.
#[test]
fn no_panic() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (rounds, seed) = (number("MUTATIONS", 12), number("SEED", 1));
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ seed);
    let scratch = tempfile::tempdir().unwrap();
    let mut other: Vec<u8> = Vec::new();
    for case in folders() {
        let setup = Setup::of(&case);
        let mut originals = Vec::new();
        files(&case, &mut originals);
        for file in originals.iter().filter(|file| file.extension().is_some_and(|e| e == "yml" || e == "sql")) {
            // Only what has to do with this file, so that each round is short.
            let near = |path: &&PathBuf| {
                let is_asset = path.strip_prefix(&case).unwrap().starts_with("assets");
                !is_asset || path.ends_with("_defaults.yml") || path.with_extension("") == file.with_extension("")
            };
            for path in originals.iter().filter(near) {
                let copy = scratch.path().join(path.strip_prefix(&case).unwrap());
                fs::create_dir_all(copy.parent().unwrap()).unwrap();
                fs::copy(path, copy).unwrap();
            }
            let original = fs::read(file).unwrap();
            for _ in 0..rounds {
                let mut bytes = original.clone();
                mutate(&mut bytes, &other, &mut random);
                let path = scratch.path().join(file.strip_prefix(&case).unwrap());
                // Removed first: writing over a file makes some file systems flush it to the disk each time.
                fs::remove_file(&path).unwrap();
                fs::write(&path, &bytes).unwrap();
                let run = catch_unwind(AssertUnwindSafe(|| {
                    let (project, mut diagnostics) = setup.load(scratch.path());
                    for asset in project.iter().flat_map(|project| project.assets.values()) {
                        read_rest(asset, &mut diagnostics);
                    }
                    // The asset is not here to be found by.
                    let within = file.strip_prefix(&case).unwrap();
                    if let (Some(project), true) = (&project, within.starts_with("tests")) {
                        let found =
                            FoundFile { file: within.to_owned(), stem: String::new(), asset: "a.b".parse().unwrap() };
                        unit_test::read(project, &found, &mut diagnostics);
                    }
                    render(&diagnostics);
                }));
                assert!(run.is_ok(), "{} panics with\n{}", file.display(), String::from_utf8_lossy(&bytes));
            }
            other = original;
            for entry in fs::read_dir(scratch.path()).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
            }
        }
    }
}

/// Places lie in their files.
fn render(diagnostics: &Diagnostics) {
    for place in diagnostics.0.iter().filter_map(|diagnostic| diagnostic.place.as_deref()) {
        assert!(place.length >= 1, "{place:?}");
        assert!(place.line == 0 || place.column >= 1, "{place:?}");
    }
    let _ = crate::render::diagnostics(diagnostics);
}
