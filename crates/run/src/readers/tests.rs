#![allow(clippy::unwrap_used)] // Tests may.

use super::*;

fn run(id: &str) -> RunId {
    RunId(id.to_owned())
}

#[test]
fn a_reader_is_seen_until_it_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join(".lockgate/readers");
    let one = Reader::register(&folder, "one");
    one.entered(3);
    one.drives(&run("r1")).unwrap();
    let two = Reader::register(&folder, "two");
    let seen = Readers::scan(&folder).unwrap();
    assert_eq!(seen.alive.iter().map(|reader| reader.id.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!((seen.alive[0].epoch, seen.alive[0].process), (3, Some(std::process::id())));
    assert!(seen.drives(&run("r1")) && !seen.drives(&run("r2")));
    assert_eq!(seen.before(4, "two"), 1, "one came at epoch 3");
    assert_eq!(seen.before(3, "two"), 0, "what expired at 3 was expired when it came");
    assert_eq!(seen.before(1, "one"), 1, "who has not said its epoch is the oldest");
    let file = |path: String| StoredFile { path, size_bytes: 0 };
    let process = std::process::id();
    assert!(seen.may_write(&file(format!("a/b.json#{process}0012"))));
    assert!(!seen.may_write(&file(format!("a/b.json#{}0012", process + 1))));
    assert!(seen.has_holder("ada-lovelace-one") && !seen.has_holder("ada-three"));
    drop((one, two));
    assert_eq!(Readers::scan(&folder).unwrap(), Readers::default());
}

#[test]
fn what_the_dead_left_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let living = Reader::register(folder.path(), "living");
    std::fs::write(folder.path().join("dead"), "process 1\nepoch 1\n").unwrap();
    std::fs::write(folder.path().join("unborn.new"), "").unwrap();
    let seen = Readers::scan(folder.path()).unwrap();
    assert_eq!(seen.dead.len(), 2);
    assert_eq!(seen.alive.len(), 1);
    assert_eq!(seen.remove_dead(), 2);
    assert_eq!(Readers::scan(folder.path()).unwrap().dead.len(), 0);
    assert!(folder.path().join(living.id()).exists());
}

#[test]
fn half_a_line_says_nothing() {
    assert_eq!(parse("x", "process 7\nepoch 12").epoch, 0);
    assert_eq!(parse("x", "process 7\nepoch 12\nrun 0ab").runs, BTreeSet::new());
    let whole = parse("x", "process 7\nepoch 12\nrun 0ab\n");
    assert_eq!((whole.process, whole.epoch, whole.runs.len()), (Some(7), 12, 1));
}

#[test]
fn a_folder_that_cannot_be_made_hides_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("readers"), "a file").unwrap();
    let hidden = Reader::register(&folder.path().join("readers"), "one");
    hidden.entered(1);
    assert!(hidden.drives(&run("r")).is_err());
}

/// Whoever scans while others register takes none of them for dead for good: each ends up registered.
#[test]
fn scans_and_registrations_race() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                Readers::scan(at).unwrap().remove_dead();
            }
        });
        let readers: Vec<Reader> = (0..500).map(|index| Reader::register(at, &format!("r{index}"))).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(readers.iter().all(|reader| reader.registered.is_ok()));
        assert_eq!(Readers::scan(at).unwrap().alive.len(), readers.len());
    });
}
