//! Arrow IPC: files (also called Feather) and streams, told apart by their first bytes.

use std::fs::File;
use std::io::{BufReader, Read, Seek};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};

use super::sequence::{Batches, SequenceReader};
use crate::cells::Target;
use crate::error::ConnectError;
use crate::input::LocalFile;

/// The file's schema and its batches.
pub(crate) fn open(file: &LocalFile) -> Result<(SchemaRef, Batches), ConnectError> {
    let failed = |error| ConnectError::unreadable(&file.name, error);
    let corrupt = |error: ArrowError| super::sequence::damaged(&file.name, "Arrow", 0, &error);
    let mut opened = BufReader::new(File::open(&file.path).map_err(failed)?);
    let mut magic = [0u8; 6];
    let count = opened.read(&mut magic).map_err(failed)?;
    opened.rewind().map_err(failed)?;
    if &magic[..count] == b"ARROW1" {
        let reader = FileReader::try_new(opened, None).map_err(corrupt)?;
        Ok((reader.schema(), Box::new(reader)))
    } else {
        let reader = StreamReader::try_new(opened, None).map_err(corrupt)?;
        Ok((reader.schema(), Box::new(reader)))
    }
}

pub(crate) fn reader(
    file: &LocalFile,
    targets: Vec<Target>,
    schema: SchemaRef,
) -> Result<SequenceReader, ConnectError> {
    SequenceReader::open(file, "Arrow", targets, schema, open)
}
