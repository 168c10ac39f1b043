//! Avro object container files.

use std::fs::File;
use std::io::BufReader;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow_avro::reader::ReaderBuilder;

use super::sequence::{Batches, SequenceReader};
use crate::cells::Target;
use crate::error::ConnectError;
use crate::input::LocalFile;

/// The file's schema and its batches.
pub(crate) fn open(file: &LocalFile) -> Result<(SchemaRef, Batches), ConnectError> {
    let opened = File::open(&file.path).map_err(|error| ConnectError::unreadable(&file.name, error))?;
    let corrupt = |error: ArrowError| super::sequence::damaged(&file.name, "Avro", 0, &error);
    let reader = ReaderBuilder::new().with_batch_size(8192).build(BufReader::new(opened)).map_err(corrupt)?;
    Ok((reader.schema(), Box::new(reader)))
}

pub(crate) fn reader(
    file: &LocalFile,
    targets: Vec<Target>,
    schema: SchemaRef,
) -> Result<SequenceReader, ConnectError> {
    SequenceReader::open(file, "Avro", targets, schema, open)
}
