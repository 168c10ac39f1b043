//! Random damage to the cases' files: whatever comes back, it comes back.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lockgate_project::unit_test::{self, FoundFile};
use lockgate_types::{Clock, Diagnostics, Effects};

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
    "schedules:\n  - { name: a, cron: \"",
    "*/15 ",
    "0 0 30 2 *",
    "alerts:\n  - { to: \"https://",
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

/// The cases' folders, and what was found before: `tests/corpus` has small projects that once went wrong.
fn corpus() -> Vec<PathBuf> {
    let found = fs::read_dir(crate::here("corpus")).unwrap().map(|entry| entry.unwrap().path());
    let mut folders = folders();
    folders.extend(found.filter(|path| path.is_dir()));
    folders
}

/// Every file of the corpus a dozen times, always the same way.
#[test]
fn no_panic() {
    let mut fuzz = Fuzz::new(1);
    for case in corpus() {
        fuzz.around(&case, 12, Duration::MAX);
    }
}

/// The project's file, asset files, headers of SQL, known failures and unit tests, damaged by chance for as long as
/// `LOCKGATE_FUZZ_SECONDS` says (5 by default). `LOCKGATE_FUZZ_SEED` starts as an earlier run did.
#[test]
fn no_panic_for_a_while() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let clock = Effects::real().clock;
    let budget = Duration::from_secs(number("LOCKGATE_FUZZ_SECONDS").unwrap_or(5));
    let seed = number("LOCKGATE_FUZZ_SEED").unwrap_or_else(|| clock.now().timestamp_micros().unsigned_abs());
    let mut fuzz = Fuzz::new(seed);
    let cases = corpus();
    while fuzz.clock.monotonic() < budget {
        let case = &cases[fuzz.random.below(cases.len())];
        fuzz.around(case, 4, budget);
    }
    assert!(fuzz.rounds > 10, "{} rounds in {budget:?}", fuzz.rounds);
}

struct Fuzz {
    seed: u64,
    random: Random,
    scratch: tempfile::TempDir,
    /// The file before, for pieces of it.
    other: Vec<u8>,
    rounds: u64,
    clock: Arc<dyn Clock>,
}

impl Fuzz {
    fn new(seed: u64) -> Fuzz {
        Fuzz {
            seed,
            random: Random(0x9e37_79b9_7f4a_7c15 ^ seed),
            scratch: tempfile::tempdir().unwrap(),
            other: Vec::new(),
            rounds: 0,
            clock: Effects::real().clock,
        }
    }

    /// Damages each file of a project, one at a time, so often.
    fn around(&mut self, case: &Path, rounds: usize, budget: Duration) {
        let setup = Setup::of(case);
        let mut originals = Vec::new();
        files(case, &mut originals);
        for file in originals.iter().filter(|file| file.extension().is_some_and(|e| e == "yml" || e == "sql")) {
            if self.clock.monotonic() >= budget {
                return;
            }
            self.lay_out(case, file, &originals);
            let original = fs::read(file).unwrap();
            for _ in 0..rounds {
                let mut bytes = original.clone();
                mutate(&mut bytes, &self.other, &mut self.random);
                self.try_one(&setup, case, file, &bytes);
            }
            self.other = original;
            for entry in fs::read_dir(self.scratch.path()).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
            }
        }
    }

    /// Only what has to do with this file, so that each round is short.
    fn lay_out(&self, case: &Path, file: &Path, originals: &[PathBuf]) {
        let near = |path: &&PathBuf| {
            let is_asset = path.strip_prefix(case).unwrap().starts_with("assets");
            !is_asset || path.ends_with("_defaults.yml") || path.with_extension("") == file.with_extension("")
        };
        for path in originals.iter().filter(near) {
            let copy = self.scratch.path().join(path.strip_prefix(case).unwrap());
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(path, copy).unwrap();
        }
    }

    fn try_one(&mut self, setup: &Setup, case: &Path, file: &Path, bytes: &[u8]) {
        self.rounds += 1;
        let within = file.strip_prefix(case).unwrap();
        let path = self.scratch.path().join(within);
        // Removed first: writing over a file makes some file systems flush it to the disk each time.
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let run = || {
            let diagnostics = diagnose(setup, self.scratch.path(), within);
            let again = diagnose(setup, self.scratch.path(), within);
            assert_eq!(diagnostics, again, "told in another way the second time");
            places(&diagnostics, self.scratch.path());
            let _ = crate::render::diagnostics(&diagnostics);
        };
        let ran = catch_unwind(AssertUnwindSafe(run));
        let shown = String::from_utf8_lossy(bytes);
        assert!(ran.is_ok(), "LOCKGATE_FUZZ_SEED={}: {} panics with\n{shown}", self.seed, file.display());
    }
}

/// Everything that is said of the project.
fn diagnose(setup: &Setup, folder: &Path, within: &Path) -> Diagnostics {
    let (project, mut diagnostics) = setup.load(folder);
    for asset in project.iter().flat_map(|project| project.assets.values()) {
        read_rest(asset, &mut diagnostics);
    }
    // The asset is not here to be found by.
    if let (Some(project), true) = (&project, within.starts_with("tests")) {
        let found = FoundFile { file: within.to_owned(), stem: String::new(), asset: "a.b".parse().unwrap() };
        unit_test::read(project, &found, &mut diagnostics);
    }
    diagnostics
}

/// Places lie in their files.
fn places(diagnostics: &Diagnostics, folder: &Path) {
    for diagnostic in &diagnostics.0 {
        let Some(place) = diagnostic.place.as_deref() else { continue };
        assert!(place.length >= 1, "{place:?}");
        assert!(place.line == 0 || place.column >= 1, "{place:?}");
        let Ok(text) = fs::read_to_string(folder.join(&place.file)) else { continue };
        // The place of what is missing may be the line behind the last.
        let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
        assert!(place.line as usize <= lines + 1, "line {} of {lines}: {diagnostic:?}", place.line);
    }
}
