// Tests may unwrap.
#![allow(clippy::unwrap_used)]

use std::io::Write;

use arrow::array::{Array, AsArray, RecordBatch};
use lockgate_types::{Column, DataType, Schema};

use super::{CsvFile, CsvOptions, Dialect};
use crate::cells::Target;
use crate::error::ConnectError;
use crate::input::LocalFile;
use crate::read::{Reader, Reject};

/// A small generator of numbers; the seed is printed by what fails.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % sides.max(1)
    }
}

pub(crate) type Rows = Vec<Vec<Option<String>>>;

fn file_of(text: &[u8]) -> (tempfile::TempDir, LocalFile) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::File::create(&path).unwrap().write_all(text).unwrap();
    (folder, LocalFile { name: "a.csv".to_owned(), path })
}

fn rows_of(batch: &RecordBatch) -> Rows {
    (0..batch.num_rows())
        .map(|row| {
            batch
                .columns()
                .iter()
                .map(|column| {
                    let column = column.as_string::<i32>();
                    column.is_valid(row).then(|| column.value(row).to_owned())
                })
                .collect()
        })
        .collect()
}

pub(crate) fn read(text: &[u8], options: &CsvOptions, threads: usize) -> Result<(Rows, Vec<Reject>), ConnectError> {
    let (_folder, file) = file_of(text);
    let opened = CsvFile::open(&file, options)?;
    let columns = opened.names().len();
    let targets: Vec<Target> = (0..columns)
        .map(|index| Target { column: Column::new(format!("c{index}"), DataType::String), from: Some(index) })
        .collect();
    let schema = Schema { columns: targets.iter().map(|target| target.column.clone()).collect() }.to_arrow();
    let reader = opened.reader(columns, targets, schema);
    let parts: Vec<Result<Vec<_>, ConnectError>> = std::thread::scope(|scope| {
        let work = |worker| {
            let mut pieces = Vec::new();
            while let Some(piece) = reader.next(worker)? {
                pieces.push(piece);
            }
            Ok(pieces)
        };
        let threads: Vec<_> = (0..threads).map(|worker| scope.spawn(move || work(worker))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (mut rows, mut rejects) = (Rows::new(), Vec::new());
    for part in parts {
        for piece in part? {
            rows.extend(rows_of(&piece.batch));
            rejects.extend(piece.rejects);
        }
    }
    reader.whole()?;
    if threads > 1 {
        rows.sort();
    }
    rejects.sort_by_key(|reject| reject.line);
    Ok((rows, rejects))
}

/// Rows of a table of random shape, and their text in random but right quoting.
fn random_csv(dice: &mut Dice) -> (Rows, Vec<u8>, CsvOptions) {
    const LETTERS: [&str; 14] = ["a", "b", "é", "日", ",", ";", "\"", "\n", "\r\n", " ", "1", "\\", "'", "x"];
    let columns = 1 + dice.roll(5);
    let escape = (dice.roll(3) == 0).then_some(b'\\');
    let crlf = dice.roll(3) == 0;
    let dialect = Dialect { delimiter: b",;\t|"[dice.roll(4)], quote: Some(b'"'), escape };
    let options = CsvOptions { dialect, block_bytes: 1 + dice.roll(300), ..CsvOptions::default() };
    let mut text = Vec::new();
    if dice.roll(3) == 0 {
        text.extend_from_slice("\u{feff}".as_bytes());
    }
    let end_line = |text: &mut Vec<u8>| text.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
    let names: Vec<String> = (0..columns).map(|column| format!("n{column}")).collect();
    text.extend_from_slice(names.join(std::str::from_utf8(&[dialect.delimiter]).unwrap()).as_bytes());
    end_line(&mut text);
    let mut rows = Rows::new();
    for _ in 0..dice.roll(40) {
        let mut row = Vec::new();
        for column in 0..columns {
            if column > 0 {
                text.push(dialect.delimiter);
            }
            let value: Option<String> = (dice.roll(5) > 0).then(|| {
                let length = if dice.roll(40) == 0 { 200 } else { dice.roll(8) };
                (0..length).map(|_| LETTERS[dice.roll(LETTERS.len())]).collect()
            });
            if let Some(value) = &value {
                let needs = value.is_empty()
                    || value.contains(['"', '\n', '\r'])
                    || value.contains(char::from(dialect.delimiter))
                    || dice.roll(4) == 0;
                if needs {
                    text.push(b'"');
                    for byte in value.bytes() {
                        match byte {
                            b'"' => text.extend_from_slice(if escape.is_some() && dice.roll(2) == 0 {
                                b"\\\""
                            } else {
                                b"\"\""
                            }),
                            b'\\' if escape.is_some() => text.extend_from_slice(b"\\\\"),
                            byte => text.push(byte),
                        }
                    }
                    text.push(b'"');
                } else {
                    text.extend_from_slice(value.as_bytes());
                }
            }
            row.push(value);
        }
        rows.push(row);
        end_line(&mut text);
    }
    // A good last line may lack its line break; without any field in it nothing would be left of it.
    if dice.roll(4) == 0 && rows.last().is_some_and(|row| row.iter().any(Option::is_some)) {
        while text.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            text.pop();
        }
    }
    (rows, text, options)
}

#[test]
fn what_was_written_is_read_whatever_the_blocks_and_threads() {
    for seed in 1..1500u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (rows, text, options) = random_csv(&mut dice);
        let threads = 1 + dice.roll(4);
        let shown = || format!("seed {seed}, {options:?}\n{}", String::from_utf8_lossy(&text));
        let (read, rejects) = read(&text, &options, threads).unwrap_or_else(|error| panic!("{error}\n{}", shown()));
        let mut expected = rows;
        if threads > 1 {
            expected.sort();
        }
        assert_eq!(rejects, [], "{}", shown());
        assert_eq!(read, expected, "{}", shown());
    }
}

/// A damaged file may be refused or lose rows to the rejects, but it never panics, and what comes out does not depend on
/// how it was cut into blocks.
#[test]
fn damage_never_panics_and_blocks_do_not_matter() {
    for seed in 1..1500u64 {
        let mut dice = Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let (_, mut text, mut options) = random_csv(&mut dice);
        for _ in 0..1 + dice.roll(4) {
            let at = dice.roll(text.len());
            match dice.roll(4) {
                0 if !text.is_empty() => text[at] = u8::try_from(dice.roll(256)).unwrap(),
                1 => text.insert(at, b'"'),
                2 => text.truncate(at),
                _ if !text.is_empty() => text[at] = b"\"\n\r,\\\xff\0"[dice.roll(7)],
                _ => {}
            }
        }
        options.max_line = [10, 60, 100_000][dice.roll(3)];
        let small = read(&text, &options, 1);
        options.block_bytes = 1 << 16;
        let large = read(&text, &options, 1);
        let shown = || format!("seed {seed}, {options:?}\n{}", String::from_utf8_lossy(&text));
        match (small, large) {
            (Ok((rows, rejects)), Ok((large_rows, large_rejects))) => {
                assert_eq!(rows, large_rows, "{}", shown());
                let lines = |rejects: &[Reject]| rejects.iter().map(|reject| reject.line).collect::<Vec<_>>();
                assert_eq!(lines(&rejects), lines(&large_rejects), "{}", shown());
            }
            (Err(small), Err(large)) => {
                assert_eq!(small.diagnostic().code, large.diagnostic().code, "{}", shown());
            }
            (small, large) => panic!("{small:?}\n{large:?}\n{}", shown()),
        }
    }
}

#[test]
fn a_line_of_100_mb_is_a_reject_in_bounded_memory() {
    let mut text = b"a,b\n1,2\n3,".to_vec();
    text.resize(100_000_000, b'x');
    text.extend_from_slice(b"\n4,5\n");
    let (rows, rejects) = read(&text, &CsvOptions::default(), 2).unwrap();
    let two = |a: &str, b: &str| vec![Some(a.to_owned()), Some(b.to_owned())];
    assert_eq!(rows, [two("1", "2"), two("4", "5")]);
    assert_eq!(rejects.len(), 1);
    assert_eq!(rejects[0].line, 3);
    assert!(rejects[0].raw.starts_with("3,xxx") && rejects[0].raw.len() < 100_000, "{}", rejects[0].raw.len());
    assert_eq!(rejects[0].reason, "the line is 99999993 bytes long, max_line is 16000000");
}

#[test]
fn a_file_that_grows_while_it_is_read_fails() {
    let text = "a\n".to_owned() + &"1\n".repeat(1000);
    let (_folder, file) = file_of(text.as_bytes());
    let options = CsvOptions { block_bytes: 100, ..CsvOptions::default() };
    let opened = CsvFile::open(&file, &options).unwrap();
    let column = Column::new("a", DataType::Int);
    let schema = Schema { columns: vec![column.clone()] }.to_arrow();
    let reader = opened.reader(1, vec![Target { column, from: Some(0) }], schema);
    reader.next(0).unwrap();
    std::fs::OpenOptions::new().append(true).open(&file.path).unwrap().write_all(b"2\n").unwrap();
    let error = loop {
        match reader.next(0) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it was taken for whole"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.to_string(), "a.csv: it had 2002 bytes and now has 2004");
}
