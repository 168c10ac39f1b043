//! The reader against a second one that is slow and plain: whatever the bytes, the dialect, the blocks and the threads,
//! both yield the same rows and the same rejects, so that every byte is accounted for; and nothing panics.
//!
//! The inputs are those of `tests/corpus/csv` and what becomes of them by chance, for as long as `LOCKGATE_FUZZ_SECONDS`
//! says (5 by default). What fails is written beside the corpus and is to be kept there under a name that says what it
//! shows. `LOCKGATE_FUZZ_SEED` repeats a round.

#![allow(clippy::unwrap_used)] // a test that cannot go on should say where

use std::path::{Path, PathBuf};
use std::time::Duration;

use lockgate_types::Effects;

use super::tests::{Dice, Rows, read};
use super::{CsvOptions, Dialect};

const BY_DEFAULT: Duration = Duration::from_secs(5);

/// A reject: the line, and the start of why.
type Reason = (u64, &'static str);

/// What a file is.
#[derive(Debug, PartialEq)]
enum Read {
    Whole {
        rows: Rows,
        rejects: Vec<Reason>,
    },
    /// By the code of the diagnostic.
    Refused(&'static str),
}

const CUT_SHORT: &str = "LG0304";

/// One byte after the other, one record after the other, without a header.
fn plainly(text: &[u8], options: &CsvOptions) -> Option<Read> {
    if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
        return None;
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut records = Records { text, dialect: options.dialect, at: 0, line: 1 };
    let (mut columns, mut rows, mut rejects) = (0, Rows::new(), Vec::new());
    loop {
        let line = records.line;
        let record = match records.next() {
            Ok(Some(record)) => record,
            Ok(None) => break,
            Err(()) => return Some(Read::Refused(CUT_SHORT)),
        };
        if columns == 0 {
            if record.length > options.max_line {
                // The first record tells how many columns there are.
                return None;
            }
            if record.is_blank() {
                continue;
            }
            columns = record.fields.len();
        }
        if record.length > options.max_line {
            rejects.push((line, "the line is"));
        } else if record.is_blank() && columns > 1 {
        } else if !record.ended && record.fields.len() < columns {
            return Some(Read::Refused(CUT_SHORT));
        } else if record.malformed {
            rejects.push((line, "text stands between"));
        } else if record.fields.len() != columns {
            rejects.push((line, "the row has"));
        } else {
            let row: Result<Vec<_>, _> =
                record.fields.into_iter().map(|field| field.map(String::from_utf8).transpose()).collect();
            match row {
                Ok(row) => rows.push(row),
                Err(_) => rejects.push((line, "")),
            }
        }
    }
    Some(Read::Whole { rows, rejects })
}

struct Records<'a> {
    text: &'a [u8],
    dialect: Dialect,
    at: usize,
    line: u64,
}

#[derive(Default)]
struct Record {
    /// `None`: empty and not quoted.
    fields: Vec<Option<Vec<u8>>>,
    /// Text stands behind a closing quote.
    malformed: bool,
    /// By a line break.
    ended: bool,
    /// Without its line break.
    length: usize,
}

impl Record {
    fn is_blank(&self) -> bool {
        self.fields == [None] && !self.malformed
    }
}

impl Records<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// `Err` when a quote stays open.
    fn next(&mut self) -> Result<Option<Record>, ()> {
        if self.byte().is_none() {
            return Ok(None);
        }
        let (start, mut record) = (self.at, Record::default());
        loop {
            let quoted = if self.dialect.quote.is_some() && self.byte() == self.dialect.quote {
                Some(self.quoted()?)
            } else {
                None
            };
            let from = self.at;
            while self.byte().is_some_and(|byte| byte != self.dialect.delimiter && byte != b'\n') {
                self.at += 1;
            }
            let of_row = self.byte() != Some(self.dialect.delimiter);
            let mut rest = &self.text[from..self.at];
            if of_row {
                rest = rest.strip_suffix(b"\r").unwrap_or(rest);
            }
            match quoted {
                Some(text) => {
                    record.malformed |= !rest.is_empty();
                    record.fields.push(Some(text));
                }
                None => record.fields.push((!rest.is_empty()).then(|| rest.to_vec())),
            }
            if of_row {
                record.length = self.at - start;
                record.ended = self.byte().is_some();
                self.at += usize::from(record.ended);
                self.line += self.text[start..self.at].iter().filter(|byte| **byte == b'\n').count() as u64;
                return Ok(Some(record));
            }
            self.at += 1;
        }
    }

    /// What stands between quotes; the text behind the closing one comes next.
    fn quoted(&mut self) -> Result<Vec<u8>, ()> {
        let (quote, mut text) = (self.dialect.quote, Vec::new());
        let escape = self.dialect.escape.filter(|escape| Some(*escape) != quote);
        loop {
            self.at += 1;
            let byte = self.byte().ok_or(())?;
            let after = self.text.get(self.at + 1).copied();
            if escape == Some(byte) || Some(byte) == quote && after == quote {
                self.at += 1;
                text.push(self.byte().ok_or(())?);
            } else if Some(byte) == quote {
                self.at += 1;
                return Ok(text);
            } else {
                text.push(byte);
            }
        }
    }
}

/// The same through the reader.
fn by_the_reader(text: &[u8], options: &CsvOptions, threads: usize) -> Read {
    match read(text, options, threads) {
        Ok((mut rows, rejects)) => {
            rows.sort();
            let known = ["the line is", "text stands between", "the row has"];
            let reason = |text: &str| known.into_iter().find(|known| text.starts_with(known)).unwrap_or("");
            let mut rejects: Vec<Reason> = rejects.iter().map(|one| (one.line, reason(&one.reason))).collect();
            rejects.sort_unstable();
            Read::Whole { rows, rejects }
        }
        Err(error) => Read::Refused(error.diagnostic().code.id),
    }
}

/// Reads it in every way, and tells what differs.
fn differs(text: &[u8], dice: &mut Dice) -> Option<String> {
    let dialect = Dialect {
        delimiter: b",;\t|"[dice.roll(4) * dice.roll(2)],
        quote: [Some(b'"'), Some(b'"'), Some(b'\''), None][dice.roll(4)],
        escape: [None, None, Some(b'\\'), Some(b'"')][dice.roll(4)],
    };
    let max_line = [10, 60, 100_000][dice.roll(3)];
    let options = CsvOptions { dialect, header: false, max_line, ..CsvOptions::default() };
    let expected = plainly(text, &options).map(|read| match read {
        Read::Whole { mut rows, mut rejects } => {
            rows.sort();
            rejects.sort_unstable();
            Read::Whole { rows, rejects }
        }
        refused @ Read::Refused(_) => refused,
    });
    let mut first = None;
    for (block_bytes, threads) in [(1 << 16, 1), (1, 1), (1 + dice.roll(200), 1), (1 + dice.roll(30), 3)] {
        let options = CsvOptions { block_bytes, ..options.clone() };
        let found = by_the_reader(text, &options, threads);
        let expected = expected.as_ref().or(first.as_ref());
        if let Some(expected) = expected.filter(|expected| **expected != found) {
            return Some(format!("{options:?}, {threads} threads\nexpected {expected:?}\nfound    {found:?}"));
        }
        first = Some(found);
    }
    None
}

const PIECES: &[&[u8]] = &[
    b",",
    b";",
    b"\n",
    b"\r\n",
    b"\r",
    b"\"",
    b"\"\"",
    b"\\",
    b"\\\"",
    b"'",
    b"\t",
    b"|",
    b"\xff",
    b"\0",
    b"\xef\xbb\xbf",
    "é".as_bytes(),
    b"x",
    b",\"",
    b"\",",
    b"\"\n",
    b"\n\"",
];

fn mutated(corpus: &[(PathBuf, Vec<u8>)], dice: &mut Dice) -> Vec<u8> {
    let mut text = corpus[dice.roll(corpus.len())].1.clone();
    for _ in 0..1 + dice.roll(6) {
        let at = dice.roll(text.len() + 1);
        let to = (at + dice.roll(30)).min(text.len());
        match dice.roll(7) {
            0 => drop(text.drain(at..to)),
            1 | 2 => drop(text.splice(at..at, PIECES[dice.roll(PIECES.len())].iter().copied())),
            3 => {
                let copied = text[at..to].to_vec();
                let target = dice.roll(text.len() + 1);
                text.splice(target..target, copied.repeat(1 + dice.roll(3)));
            }
            4 if at < text.len() => text[at] = u8::try_from(dice.roll(256)).unwrap(),
            5 => {
                // To the edge of what is looked at at once.
                let pad = (63 + dice.roll(3)).saturating_sub(at % 64);
                text.splice(at..at, std::iter::repeat_n(b'p', pad));
            }
            _ => {
                let other = &corpus[dice.roll(corpus.len())].1;
                let from = dice.roll(other.len() + 1);
                let end = (from + dice.roll(40)).min(other.len());
                text.splice(at..to, other[from..end].iter().copied());
            }
        }
    }
    text
}

fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/csv");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn both_readers_read_the_corpus_alike() {
    let corpus = corpus();
    assert!(corpus.len() > 10);
    for (path, text) in &corpus {
        for seed in 1..25 {
            if let Some(how) = differs(text, &mut Dice(seed * 0x9e37_79b9)) {
                panic!("{}: {how}", path.display());
            }
        }
    }
}

#[test]
fn both_readers_read_anything_alike() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let clock = Effects::real().clock;
    let budget = number("LOCKGATE_FUZZ_SECONDS").map_or(BY_DEFAULT, Duration::from_secs);
    let seed = number("LOCKGATE_FUZZ_SEED");
    let corpus = corpus();
    let mut round = seed.unwrap_or_else(|| clock.now().timestamp_micros().unsigned_abs());
    let mut rounds = 0;
    loop {
        let text = mutated(&corpus, &mut Dice(round | 1));
        let told = std::panic::catch_unwind(|| differs(&text, &mut Dice(round.rotate_left(32) | 1)));
        let how = told.unwrap_or_else(|_| Some("it panics".to_owned()));
        if let Some(how) = how {
            let found = std::env::temp_dir().join(format!("lockgate-csv-{round}"));
            std::fs::write(&found, &text).unwrap();
            panic!("LOCKGATE_FUZZ_SEED={round}, written to {}: {how}\n{}", found.display(), text.escape_ascii());
        }
        rounds += 1;
        round = round.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        if clock.monotonic() >= budget {
            break;
        }
    }
    assert!(rounds > 10, "{rounds} rounds in {budget:?}");
}
