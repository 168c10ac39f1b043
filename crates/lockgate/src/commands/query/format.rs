//! The formats that an answer is written in, one batch at a time.

use std::io::{self, Write};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::{FileWriter, StreamWriter};
use arrow::json::WriterBuilder;
use arrow::json::writer::JsonArray;
use lockgate_run::text;
use lockgate_types::Diagnostic;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::Format;
use crate::codes::OUTPUT;
use crate::exit::Failure;
use crate::terminal::table::{Align, Cell, Table};

/// Where it goes.
pub(crate) type Out<'a> = Box<dyn Write + Send + 'a>;

/// A file being written.
pub(crate) enum Sink<'a> {
    Csv(Out<'a>),
    Json(arrow::json::Writer<Out<'a>, JsonArray>, bool),
    Stream(StreamWriter<Out<'a>>),
    File(FileWriter<Out<'a>>),
    Parquet(Box<ArrowWriter<Out<'a>>>),
}

impl<'a> Sink<'a> {
    /// `is_file` chooses between Arrow's two forms.
    pub(crate) fn new(format: Format, schema: &SchemaRef, mut out: Out<'a>, is_file: bool) -> Result<Self, Failure> {
        Ok(match format {
            Format::Table | Format::Csv => {
                out.write_all(text::csv_head(schema).as_bytes())?;
                Sink::Csv(out)
            }
            Format::Json => {
                let builder = WriterBuilder::new().with_explicit_nulls(true);
                Sink::Json(builder.build(out), false)
            }
            Format::Arrow if is_file => Sink::File(FileWriter::try_new(out, schema).map_err(arrow_failure)?),
            Format::Arrow => Sink::Stream(StreamWriter::try_new(out, schema).map_err(arrow_failure)?),
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(256 * 1024))
                    .build();
                let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(parquet_failure)?;
                Sink::Parquet(Box::new(writer))
            }
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        match self {
            Sink::Csv(out) => out.write_all(text::csv_rows(batch).map_err(arrow_failure)?.as_bytes())?,
            Sink::Json(writer, started) => {
                *started |= batch.num_rows() > 0;
                writer.write(batch).map_err(arrow_failure)?;
            }
            Sink::Stream(writer) => writer.write(batch).map_err(arrow_failure)?,
            Sink::File(writer) => writer.write(batch).map_err(arrow_failure)?,
            Sink::Parquet(writer) => writer.write(batch).map_err(parquet_failure)?,
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self {
            Sink::Csv(mut out) => out.flush()?,
            Sink::Json(mut writer, started) => {
                if started {
                    writer.finish().map_err(arrow_failure)?;
                    let mut out = writer.into_inner();
                    out.write_all(b"\n")?;
                    out.flush()?;
                } else {
                    let mut out = writer.into_inner();
                    out.write_all(b"[]\n")?;
                    out.flush()?;
                }
            }
            Sink::Stream(mut writer) => {
                writer.finish().map_err(arrow_failure)?;
                writer.get_mut().flush()?;
            }
            Sink::File(mut writer) => {
                writer.finish().map_err(arrow_failure)?;
                writer.get_mut().flush()?;
            }
            Sink::Parquet(writer) => {
                writer.into_inner().map_err(parquet_failure)?.flush()?;
            }
        }
        Ok(())
    }
}

/// A table of all rows of the batches.
pub(super) fn table(schema: &Schema, batches: &[RecordBatch]) -> Result<Table, Failure> {
    let mut table = Table::new().ruled();
    for field in schema.fields() {
        table = table.data(field.name(), if is_number(field.data_type()) { Align::Right } else { Align::Left });
    }
    let options = text::options();
    for batch in batches {
        let formatters = text::formatters(batch, &options).map_err(arrow_failure)?;
        for row in 0..batch.num_rows() {
            table.row(batch.columns().iter().zip(&formatters).map(|(column, formatter)| {
                let text = (!column.is_null(row)).then(|| formatter.value(row).to_string());
                Cell::value(text.as_deref())
            }));
        }
    }
    Ok(table)
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

fn arrow_failure(error: ArrowError) -> Failure {
    match error {
        ArrowError::IoError(_, error) => error.into(),
        other => failure(&other),
    }
}

fn parquet_failure(error: ParquetError) -> Failure {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => (*error).into(),
            Err(other) => failure(&other),
        },
        other => failure(&other),
    }
}

fn failure(error: &dyn std::fmt::Display) -> Failure {
    Failure::failed(Diagnostic::error(&OUTPUT, format!("the output cannot be written: {error}")))
}

#[cfg(test)]
mod tests;
