//! What the files of a source are before they are read: their columns, matched and typed.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use lockgate_types::{Column, DataType, Diagnostic, Diagnostics, Place, Schema};

use crate::cells::{self, Target};
use crate::codes;
use crate::columns::{Expected, Fresh, Matched, Shape, missing_column, resolve};
use crate::csv::CsvFile;
use crate::error::ConnectError;
use crate::format::parquet::ParquetReader;
use crate::format::{Format, avro, ipc, jsonl, parquet, typed};
use crate::infer::Guess;
use crate::input::LocalFile;
use crate::read::Reader;
use crate::settings::{Evolve, Settings};

/// How every file of a source is to be read.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) format: Format,
    pub(crate) schema: Schema,
    arrow: SchemaRef,
    files: Vec<Surveyed>,
    evolve: Evolve,
}

#[derive(Debug)]
struct Surveyed {
    file: LocalFile,
    names: Vec<String>,
    targets: Vec<Target>,
}

/// One file's columns and what is known of their types.
enum Look {
    Csv { names: Vec<String> },
    JsonLines { names: Vec<String>, guesses: Vec<Guess> },
    Typed { names: Vec<String>, schema: SchemaRef },
}

impl Look {
    fn names(&self) -> &[String] {
        match self {
            Look::Csv { names } | Look::JsonLines { names, .. } | Look::Typed { names, .. } => names,
        }
    }
}

/// Looks at every file. Only what the settings leave open costs reading files whole.
pub(crate) fn survey(
    settings: &Settings,
    expected: &Expected,
    files: &[LocalFile],
    threads: usize,
) -> Result<Survey, ConnectError> {
    let format = match settings.format {
        Some(format) => format,
        None => Format::of_all(files.iter().map(|file| file.name.as_str()))?,
    };
    if matches!(format, Format::Csv) {
        refuse_nested(expected)?;
    }
    let mut looks = Vec::with_capacity(files.len());
    for file in files {
        looks.push(look(settings, expected, format, file, threads)?);
    }
    let shapes: Vec<Shape> = files
        .iter()
        .zip(&looks)
        .map(|(file, look)| Shape { file: file.name.clone(), names: look.names().to_vec() })
        .collect();
    let matched = resolve(expected, &shapes).map_err(ConnectError::Refused)?;
    let mut columns = expected.columns.clone();
    columns.extend(types(settings, &matched, files, &looks, threads)?);
    check_types(&columns, &matched, files, &looks)?;
    let schema = Schema { columns };
    let arrow = schema.to_arrow();
    let files = files
        .iter()
        .zip(looks)
        .zip(matched.from)
        .map(|((file, look), from)| Surveyed {
            file: file.clone(),
            names: look.names().to_vec(),
            targets: schema
                .columns
                .iter()
                .zip(from)
                .map(|(column, from)| Target { column: column.clone(), from })
                .collect(),
        })
        .collect();
    Ok(Survey { format, schema, arrow, files, evolve: expected.evolve })
}

fn refuse_nested(expected: &Expected) -> Result<(), ConnectError> {
    let problems: Vec<Diagnostic> = expected
        .columns
        .iter()
        .filter(|column| !cells::holds(&column.data_type))
        .map(|column| {
            let message = format!("column `{}` is {}, which a CSV field cannot be", column.name, column.data_type);
            Diagnostic::error(&codes::NO_TYPE, message).hint("make it `json` or `string`")
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(ConnectError::Refused(Diagnostics(problems))) }
}

fn look(
    settings: &Settings,
    expected: &Expected,
    format: Format,
    file: &LocalFile,
    threads: usize,
) -> Result<Look, ConnectError> {
    let typed = |schema: SchemaRef| Look::Typed {
        names: schema.fields().iter().map(|field| field.name().clone()).collect(),
        schema,
    };
    Ok(match format {
        Format::Csv => {
            let options = settings.csv_for(&file.name);
            let mut names = CsvFile::open(file, &options)?.names().to_vec();
            if !options.header {
                name_by_position(&mut names, expected);
            }
            Look::Csv { names }
        }
        Format::JsonLines => {
            if expected.evolve == Evolve::Freeze && !expected.columns.is_empty() {
                let names = expected.columns.iter().map(|column| column.name.clone()).collect();
                Look::JsonLines { names, guesses: Vec::new() }
            } else {
                let keys = jsonl::survey(file, &settings.csv_for(&file.name), threads)?;
                let (names, guesses) = keys.into_iter().unzip();
                Look::JsonLines { names, guesses }
            }
        }
        Format::Parquet => typed(parquet::schema(file)?),
        Format::Arrow => typed(ipc::open(file)?.0),
        Format::Avro => typed(avro::open(file)?.0),
    })
}

/// Without a header the contract's names stand for positions. Under `freeze` the contract says how many there are, and rows of
/// another length are rejects.
fn name_by_position(names: &mut Vec<String>, expected: &Expected) {
    for (name, column) in names.iter_mut().zip(&expected.columns) {
        name.clone_from(&column.name);
    }
    if expected.evolve == Evolve::Freeze && !expected.columns.is_empty() || names.is_empty() {
        *names = expected.columns.iter().map(|column| column.name.clone()).collect();
    }
}

/// The types of the columns that nobody named before.
fn types(
    settings: &Settings,
    matched: &Matched,
    files: &[LocalFile],
    looks: &[Look],
    threads: usize,
) -> Result<Vec<Column>, ConnectError> {
    let mut guesses = vec![Guess::default(); matched.fresh.len()];
    for (index, (file, look)) in files.iter().zip(looks).enumerate() {
        // (fresh column, its place in this file)
        let here: Vec<(usize, usize)> = matched
            .fresh
            .iter()
            .enumerate()
            .filter_map(|(fresh, column)| Some((fresh, column.at.iter().find(|(at, _)| *at == index)?.1)))
            .collect();
        match look {
            Look::Csv { names } if !here.is_empty() => {
                let wanted: Vec<usize> = here.iter().map(|(_, at)| *at).collect();
                let opened = CsvFile::open(file, &settings.csv_for(&file.name))?;
                let found = opened.guess(names.len(), &wanted, threads)?;
                here.iter().zip(found).for_each(|((fresh, _), guess)| guesses[*fresh].join(guess));
            }
            Look::JsonLines { guesses: found, .. } => {
                for (fresh, at) in here {
                    guesses[fresh].join(found.get(at).copied().unwrap_or_default());
                }
            }
            Look::Csv { .. } | Look::Typed { .. } => {}
        }
    }
    let of_typed = matches!(looks.first(), Some(Look::Typed { .. }));
    matched
        .fresh
        .iter()
        .zip(guesses)
        .map(|(fresh, guess)| {
            let data_type = if of_typed { typed_type(fresh, files, looks)? } else { guess.data_type() };
            Ok(Column::new(fresh.name.clone(), data_type))
        })
        .collect()
}

/// The type that the files themselves give a column, the widest when they differ.
fn typed_type(fresh: &Fresh, files: &[LocalFile], looks: &[Look]) -> Result<DataType, ConnectError> {
    let mut found: Option<(DataType, &str)> = None;
    for (file, at) in &fresh.at {
        let Some(Look::Typed { schema, .. }) = looks.get(*file) else { continue };
        let name = &files[*file].name;
        let refused = |message: String| {
            let place = Place::file(std::path::Path::new(name));
            ConnectError::Refused(Diagnostic::error(&codes::NO_TYPE, message).at(place).into())
        };
        let here = match schema.field(*at).data_type() {
            arrow::datatypes::DataType::Null => continue,
            _ => DataType::from_arrow(schema.field(*at))
                .map_err(|reason| refused(format!("column `{}` of {name}: {reason}", fresh.name)))?,
        };
        found = Some(match found {
            None => (here, name),
            Some((before, first)) => match widest(&before, &here) {
                Some(wide) => (wide, first),
                None => {
                    return Err(refused(format!(
                        "column `{}` is {before} in {first}, but {here} in {name}",
                        fresh.name
                    )));
                }
            },
        });
    }
    Ok(found.map_or(DataType::String, |(data_type, _)| data_type))
}

fn widest(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{Bigint, Date, Decimal, Double, Int, Timestamp};
    match (a, b) {
        (a, b) if a == b => Some(a.clone()),
        (Int | Bigint, Int | Bigint) => Some(Bigint),
        (Int | Bigint | Double, Int | Bigint | Double) => Some(Double),
        (Date | Timestamp, Date | Timestamp) => Some(Timestamp),
        (Decimal(p1, s1), Decimal(p2, s2)) => {
            let scale = *s1.max(s2);
            let whole = (i16::from(*p1) - i16::from(*s1)).max(i16::from(*p2) - i16::from(*s2));
            let precision = u8::try_from(whole + i16::from(scale)).ok().filter(|precision| *precision <= 38)?;
            Some(Decimal(precision, scale))
        }
        _ => None,
    }
}

/// A file's own types must have something to do with the columns'.
fn check_types(columns: &[Column], matched: &Matched, files: &[LocalFile], looks: &[Look]) -> Result<(), ConnectError> {
    let mut problems = Diagnostics::default();
    for ((file, look), from) in files.iter().zip(looks).zip(&matched.from) {
        let Look::Typed { schema, .. } = look else { continue };
        for (column, at) in columns.iter().zip(from) {
            let Some(at) = at else { continue };
            let kind = schema.field(*at).data_type();
            if !typed::castable(kind, &column.data_type) {
                let said =
                    DataType::from_arrow(schema.field(*at)).map_or_else(|_| kind.to_string(), |kind| kind.to_string());
                let message =
                    format!("column `{}` of {} is {said}, which is no {}", column.name, file.name, column.data_type);
                let place = Place::file(std::path::Path::new(&file.name));
                problems
                    .push(Diagnostic::error(&codes::NO_TYPE, message).at(place).expected(column.data_type.to_string()));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(ConnectError::Refused(problems)) }
}

impl Survey {
    /// Opens one of the surveyed files. Its columns must still be those that were seen.
    pub(crate) fn open(&self, index: usize, settings: &Settings) -> Result<Arc<dyn Reader>, ConnectError> {
        let Surveyed { file, names, targets } = &self.files[index];
        let (targets, schema) = (targets.clone(), self.arrow.clone());
        Ok(match self.format {
            Format::Csv => {
                let options = settings.csv_for(&file.name);
                let opened = CsvFile::open(file, &options)?;
                if options.header && opened.names() != names {
                    let what = "its header is another one than a moment ago".to_owned();
                    return Err(ConnectError::ChangedMeanwhile { file: file.name.clone(), what });
                }
                Arc::new(opened.reader(names.len(), targets, schema))
            }
            Format::JsonLines => {
                let strict = self.evolve == Evolve::Freeze;
                let options = settings.csv_for(&file.name);
                Arc::new(jsonl::JsonLinesReader::open(file, &options, names, targets, schema, strict)?)
            }
            Format::Parquet => Arc::new(ParquetReader::open(file, targets, schema)?),
            Format::Arrow => Arc::new(ipc::reader(file, targets, schema)?),
            Format::Avro => Arc::new(avro::reader(file, targets, schema)?),
        })
    }

    /// What it means that a file never had a column, found at its end.
    pub(crate) fn lacks(&self, index: usize, name: &str) -> ConnectError {
        let expected = Expected { columns: self.schema.columns.clone(), contract: 0, evolve: self.evolve };
        let shape = Shape { file: self.name(index).to_owned(), names: Vec::new() };
        let column = Column::new(name, DataType::String);
        let diagnostic = Diagnostic { expected: None, ..missing_column(&expected, &shape, &column) };
        ConnectError::Refused(diagnostic.into())
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    pub(crate) fn name(&self, index: usize) -> &str {
        &self.files[index].file.name
    }
}
