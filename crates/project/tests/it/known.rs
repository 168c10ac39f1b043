//! What is rendered is read back.

use std::path::PathBuf;

use chrono::NaiveDate;
use lockgate_project::{Source, known};
use lockgate_types::{Diagnostics, KnownFailure};

fn failure(asset: &str, check: &str, share: f64, reason: &str) -> KnownFailure {
    KnownFailure {
        asset: asset.parse().unwrap(),
        check: check.to_owned(),
        count: 50_094,
        share,
        tolerance: 0.001,
        owner: Some("ops: night #2".to_owned()),
        review_on: NaiveDate::from_ymd_opt(2014, 1, 31).unwrap(),
        reason: reason.to_owned(),
        statement: None,
    }
}

#[test]
#[allow(clippy::cast_precision_loss)]
fn round_trip() {
    let mut entries = vec![
        failure("raw.weather", "fresh_time_hour", 1.0, "it stops on 30 December, and nobody knows why"),
        failure("raw.flights", "references_tailnum", 50_094.0 / 336_776.0, "\"quoted\", a: b # c\nsecond line ✓"),
        failure("raw.flights", "1 + 1", 0.0, "null"),
        failure("raw.flights", "*", 1.0 / 3.0, ""),
    ];
    for failing in [1_u64, 3, 7, 99, 12_345, 336_775] {
        entries.push(failure("raw.many", &format!("c{failing}"), failing as f64 / 336_776.0, "true"));
    }
    let text = known::render(&entries);
    let source = Source { file: PathBuf::from(known::FILE), text: text.clone() };
    let mut diagnostics = Diagnostics::default();
    let back: Vec<KnownFailure> = known::read(&source, &mut diagnostics).into_iter().map(|(entry, _)| entry).collect();
    assert!(diagnostics.is_empty(), "{diagnostics}\n{text}");
    assert_eq!(known::render(&back), text, "a second time it is the same");
    entries.sort_by(|a, b| (&a.asset, &a.check).cmp(&(&b.asset, &b.check)));
    assert_eq!(back.len(), entries.len());
    for (read, written) in back.iter().zip(&entries) {
        assert!(read.share >= written.share - 1e-12 && read.share <= written.share + 1.1e-8, "{read:?} {written:?}");
        let same = KnownFailure { share: written.share, tolerance: written.tolerance, ..read.clone() };
        assert_eq!(same, *written);
    }
    crate::expect(&crate::here("known.yml"), &text).unwrap();
}

#[test]
fn an_empty_file_and_no_entries() {
    let mut diagnostics = Diagnostics::default();
    for text in [String::new(), known::render(&[])] {
        let source = Source { file: PathBuf::from(known::FILE), text };
        assert!(known::read(&source, &mut diagnostics).is_empty());
    }
    assert!(diagnostics.is_empty(), "{diagnostics}");
}

#[test]
fn writing_replaces_the_file_and_leaves_no_draft() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(known::FILE);
    for text in ["version: 1\nknown: []\n", "version: 1\n"] {
        known::write(&file, text).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(known::write(&folder.path().join("none/x.yml"), "").is_err());
}
