use super::*;

fn part(good_for: &str, found: &[u8]) -> Part {
    Part { good_for: good_for.to_owned(), file: 7, found: found.to_vec() }
}

fn parts(of: &[(&str, Part)]) -> Parts {
    Parts { by_file: of.iter().map(|(path, part)| ((*path).to_owned(), part.clone())).collect() }
}

#[test]
fn what_was_written_is_read() {
    for written in [Parts::default(), parts(&[("a", part("checks", b"found")), ("b", part("others", b""))])] {
        assert_eq!(Parts::decode(&written.encode()), Some(written));
    }
}

/// Cut off anywhere, with any bit turned, of another format: nothing is known then.
#[test]
fn anything_else_is_nothing() {
    let bytes = parts(&[("a", part("checks", b"found"))]).encode();
    for length in 0..bytes.len() {
        assert_eq!(Parts::decode(&bytes[..length]), None, "the first {length} bytes");
    }
    for bit in 0..8 * bytes.len() {
        let mut turned = bytes.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Parts::decode(&turned), None, "bit {bit} turned");
    }
    assert_eq!(Parts::decode(&[&bytes[..], b"more"].concat()), None);
}

#[test]
fn without_goes_by_what_parts_are_good_for() {
    let ours = parts(&[("a", part("checks", b"1")), ("b", part("checks", b"2")), ("c", part("checks", b"3"))]);
    let theirs = parts(&[("a", part("checks", b"other")), ("b", part("older checks", b"2"))]);
    assert_eq!(ours.without(&theirs.names()), parts(&[("b", part("checks", b"2")), ("c", part("checks", b"3"))]));
}

/// A file that another one took the place of is another file.
#[test]
fn a_part_is_of_one_file() {
    let file = |rows, stats: &str| DataFile {
        path: "_lockgate/v1/part-0-0.parquet".to_owned(),
        size_bytes: 100,
        rows,
        partition: Vec::new(),
        stats: Some(stats.to_owned()),
    };
    let found = StoredWorker { rows: 3, counts: Vec::new(), profile: Vec::new() };
    let mut known = Parts::default();
    known.keep(&file(3, "{}"), "checks", found.packed());
    assert!(known.found(&file(3, "{}"), "checks").is_some());
    assert!(known.found(&file(3, "{}"), "other checks").is_none());
    assert!(known.found(&file(4, "{}"), "checks").is_none());
    assert!(known.found(&file(3, r#"{"numRecords":3}"#), "checks").is_none());
}
