//! Avro object container files.
//!
//! The decoder takes a file that breaks off inside a block for one that ends before it. So the blocks are walked first,
//! by their lengths and marks alone: a file is read only when it is whole. Cost: one short read a block.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow_avro::reader::ReaderBuilder;

use super::sequence::{Batches, SequenceReader};
use crate::cells::Target;
use crate::error::ConnectError;
use crate::input::LocalFile;

/// The file's schema and its batches.
pub(crate) fn open(file: &LocalFile) -> Result<(SchemaRef, Batches), ConnectError> {
    let unreadable = |error| ConnectError::unreadable(&file.name, error);
    let mut opened = BufReader::new(File::open(&file.path).map_err(unreadable)?);
    walk(file, &mut opened)?;
    opened.rewind().map_err(unreadable)?;
    let corrupt = |error: ArrowError| super::sequence::damaged(&file.name, "Avro", 0, &error);
    let reader = ReaderBuilder::new().with_batch_size(8192).build(opened).map_err(corrupt)?;
    Ok((reader.schema(), Box::new(reader)))
}

pub(crate) fn reader(
    file: &LocalFile,
    targets: Vec<Target>,
    schema: SchemaRef,
) -> Result<SequenceReader, ConnectError> {
    SequenceReader::open(file, "Avro", targets, schema, open)
}

/// Why a walk ends before the file does.
enum Broken {
    Io(io::Error),
    Wrong(&'static str),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Broken::Io(error)
    }
}

/// Makes sure that the file is a header and whole blocks ("Object Container Files" in Avro's specification).
fn walk(file: &LocalFile, input: &mut BufReader<File>) -> Result<(), ConnectError> {
    let size_bytes = input.get_ref().metadata().map_err(|error| ConnectError::unreadable(&file.name, error))?.len();
    let mut rows = 0;
    match blocks(input, size_bytes, &mut rows) {
        Ok(()) => Ok(()),
        Err(Broken::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Err(ConnectError::CutShort {
            file: file.name.clone(),
            line: 0,
            what: match rows {
                0 => "it ends before its first block does".to_owned(),
                rows => format!("it ends inside the block after row {rows}"),
            },
        }),
        Err(Broken::Io(error)) => Err(ConnectError::unreadable(&file.name, error)),
        Err(Broken::Wrong(what)) if rows == 0 => Err(ConnectError::corrupt(&file.name, what)),
        Err(Broken::Wrong(what)) => Err(ConnectError::corrupt(&file.name, format!("after row {rows}: {what}"))),
    }
}

fn blocks(input: &mut BufReader<File>, size_bytes: u64, rows: &mut u64) -> Result<(), Broken> {
    const WRONG_LENGTH: Broken = Broken::Wrong("a block with a negative length");
    let mut magic = [0; 4];
    input.read_exact(&mut magic)?;
    if magic != *b"Obj\x01" {
        return Err(Broken::Wrong("it does not start as an Avro file does"));
    }
    // The metadata is a map in parts; a negative count is followed by the part's length.
    loop {
        let entries = long(input)?;
        if entries == 0 {
            break;
        }
        if entries < 0 {
            long(input)?;
        }
        for _ in 0..entries.unsigned_abs().saturating_mul(2) {
            let bytes = length(long(input)?).ok_or(WRONG_LENGTH)?;
            skip(input, bytes, size_bytes)?;
        }
    }
    let mut mark = [0; 16];
    input.read_exact(&mut mark)?;
    while input.stream_position()? < size_bytes {
        let count = length(long(input)?).ok_or(WRONG_LENGTH)?;
        let bytes = length(long(input)?).ok_or(WRONG_LENGTH)?;
        skip(input, bytes, size_bytes)?;
        let mut end = [0; 16];
        input.read_exact(&mut end)?;
        if end != mark {
            return Err(Broken::Wrong("a block does not end with the file's mark"));
        }
        *rows += count;
    }
    Ok(())
}

fn length(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}

/// Goes `count` bytes on; beyond the end is the end.
fn skip(input: &mut BufReader<File>, count: u64, size_bytes: u64) -> io::Result<()> {
    let left = size_bytes.saturating_sub(input.stream_position()?);
    match i64::try_from(count) {
        Ok(offset) if count <= left => input.seek_relative(offset),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// A zig-zag number of up to ten bytes.
fn long(input: &mut BufReader<File>) -> Result<i64, Broken> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        input.read_exact(&mut byte)?;
        number |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
        }
    }
    Err(Broken::Wrong("a number that is too long"))
}
