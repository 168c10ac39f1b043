//! The rows that a forecast is made of, in the order in which it takes them: each series with what the live forecast said of it first, then
//! its history, oldest first. Asked for in [`crate::queries`]; cut here into chunks of whole series.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, concat, partition, take};
use arrow::datatypes::{DataType as Arrow, Float64Type, Int64Type, TimeUnit};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use futures::StreamExt;
use lockgate_engine::{BatchStream, EngineError, PinnedTable};
use lockgate_kind::{BuildContext, KindError};
use lockgate_series::axis::Axis;
use lockgate_series::hygiene::Point;
use lockgate_types::{DataType, Schema};

use crate::columns;
use crate::earlier::Expected;
use crate::queries::LIVE;
use crate::settings::Settings;

/// Points that make a chunk full, however few series they are of.
const POINTS_OF_A_CHUNK: usize = 1 << 20;

/// A step of the live forecast.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) time: i64,
    /// 1 for the first step of its horizon.
    pub(crate) step: usize,
    pub(crate) forecast: f64,
    /// Per level of the settings; none where the live forecast has no such interval.
    pub(crate) bands: Vec<Option<(f64, f64)>>,
}

impl Said {
    /// On the axis of its series.
    pub(crate) fn on(&self, axis: &Axis<'_>) -> Expected {
        Expected { index: axis.index(self.time), step: self.step, forecast: self.forecast, bands: self.bands.clone() }
    }
}

/// One series as it comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct OfSeries {
    /// Oldest first. Steps that have only known columns are not among them.
    pub(crate) points: Vec<Point>,
    /// Times at which columns are known in advance, ascending, and the columns; NaN where they are null.
    pub(crate) known: (Vec<i64>, Vec<Vec<f64>>),
    /// What the live forecast said, by time.
    pub(crate) said: Vec<Said>,
    /// What the live forecast left for the next one.
    pub(crate) state: Option<String>,
    /// Whether the history has a row of it; else only the live forecast knows it, and it has gone.
    is_there: bool,
}

/// Whole series in the order of their keys.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// One row per series: the level in front where there is a hierarchy, then the columns of `series`.
    pub(crate) keys: Vec<ArrayRef>,
    pub(crate) series: Vec<OfSeries>,
}

impl Chunk {
    pub(crate) fn points(&self) -> usize {
        self.series.iter().map(|series| series.points.len()).sum()
    }

    /// A hash of all that came of its series. The keys are not in it: they do not shape a forecast.
    pub(crate) fn mark(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        let mut buffer = Vec::new();
        for series in &self.series {
            buffer.clear();
            let number = |buffer: &mut Vec<u8>, number: f64| buffer.extend(number.to_bits().to_le_bytes());
            buffer.extend((series.points.len() as u64).to_le_bytes());
            for point in &series.points {
                buffer.extend(point.time.to_le_bytes());
                buffer.push(u8::from(point.value.is_some()));
                number(&mut buffer, point.value.unwrap_or_default());
            }
            buffer.extend((series.known.0.len() as u64).to_le_bytes());
            series.known.0.iter().for_each(|time| buffer.extend(time.to_le_bytes()));
            series.known.1.iter().flatten().for_each(|&known| number(&mut buffer, known));
            buffer.extend((series.said.len() as u64).to_le_bytes());
            for said in &series.said {
                buffer.extend(said.time.to_le_bytes());
                buffer.extend((said.step as u64).to_le_bytes());
                number(&mut buffer, said.forecast);
                for band in &said.bands {
                    let (low, high) = band.unwrap_or((f64::NAN, f64::NAN));
                    number(&mut buffer, low);
                    number(&mut buffer, high);
                }
            }
            let state = series.state.as_deref().unwrap_or_default();
            buffer.extend((state.len() as u64).to_le_bytes());
            buffer.extend(state.as_bytes());
            hasher.update(&buffer);
        }
        *hasher.finalize().as_bytes()
    }
}

/// The live forecast, when this one can go on from it: of the same series at the same kind of times.
#[derive(Debug)]
pub(crate) struct Live {
    /// Whether it has the interval, per level of the settings.
    pub(crate) has_level: Vec<bool>,
}

impl Live {
    /// Registers it in the session of the build.
    pub(crate) fn register(cx: &BuildContext, settings: &Settings) -> Result<Option<Live>, KindError> {
        let Some(live) = cx.live.as_ref() else { return Ok(None) };
        let same = |name: &String| {
            let of = |schema: &Schema| schema.column(name).map(|column| column.data_type.clone());
            of(&live.schema).is_some() && of(&live.schema) == of(&cx.schema)
        };
        let has = |name: &str| live.schema.column(name).is_some();
        let keys_agree = settings.series.iter().chain([&settings.time]).all(same);
        let of_user = settings.series.iter().chain([&settings.time]).any(|name| name == columns::HIERARCHY);
        let has_sums = has(columns::HIERARCHY) && !of_user;
        let levels_agree = has_sums != settings.hierarchy.is_empty();
        if !keys_agree || !levels_agree || !["forecast", "step", "state"].into_iter().all(has) {
            return Ok(None);
        }
        cx.session.register_as(LIVE.0, LIVE.1, PinnedTable::of(live, &cx.table))?;
        let has_level = |level: &f64| has(&format!("lo_{}", columns::level_name(*level)));
        Ok(Some(Live { has_level: settings.levels.iter().map(has_level).collect() }))
    }
}

/// Times as the library has them: microseconds of UTC, or integers.
pub(crate) fn as_times(times: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match times.data_type() {
        Arrow::Date32 | Arrow::Date64 => {
            let instants = cast(times, &Arrow::Timestamp(TimeUnit::Microsecond, None))?;
            cast(&instants, &Arrow::Int64)
        }
        Arrow::Timestamp(_, zone) => {
            let instants = cast(times, &Arrow::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
            cast(&instants, &Arrow::Int64)
        }
        _ => cast(times, &Arrow::Int64),
    }
}

pub(crate) fn of_arrow(error: ArrowError) -> KindError {
    EngineError::Execution(error.to_string()).into()
}

/// Whether a column's values can be times; what they are as the library sees them.
pub(crate) fn is_time(data_type: &DataType) -> bool {
    is_instant(data_type) || matches!(data_type, DataType::Int | DataType::Bigint)
}

/// Whether the values of the time column are instants, not integers.
pub(crate) fn is_instant(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp | DataType::Timestamptz | DataType::Date)
}

/// A series that is gathered: one row of its key, the key to compare, and what came of it so far.
type Gathered = (Vec<ArrayRef>, Option<OwnedRow>, OfSeries);

/// Cuts the sorted rows into chunks of whole series.
pub(crate) struct Chunks {
    rows: BatchStream,
    keys: usize,
    regressors: usize,
    /// How many levels of intervals the live forecast's rows have beside them; none without a live forecast.
    levels: Option<usize>,
    /// Series of a chunk.
    most: usize,
    converter: Option<RowConverter>,
    /// The last one may go on in the next batch.
    gathered: Vec<Gathered>,
    points: usize,
    is_over: bool,
}

impl Chunks {
    pub(crate) fn new(rows: BatchStream, settings: &Settings, has_live: bool, most: usize) -> Chunks {
        Chunks {
            rows,
            keys: settings.series.len() + usize::from(!settings.hierarchy.is_empty()),
            regressors: settings.regressors.len(),
            levels: has_live.then_some(settings.levels.len()),
            most,
            converter: None,
            gathered: Vec::new(),
            points: 0,
            is_over: false,
        }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Chunk>, KindError> {
        loop {
            while !self.is_over && self.gathered.len() <= self.most && self.points <= POINTS_OF_A_CHUNK {
                match self.rows.next().await {
                    Some(batch) => self.take(&batch?).map_err(of_arrow)?,
                    None => self.is_over = true,
                }
            }
            if self.is_over {
                self.forget_gone();
            }
            // The last one goes on, unless there are no more rows.
            let whole = self.gathered.len().saturating_sub(usize::from(!self.is_over));
            if whole > 0 {
                return self.cut(whole.min(self.most)).map(Some).map_err(of_arrow);
            }
            if self.is_over {
                return Ok(None);
            }
            // One series that is larger than a chunk.
            self.points = 0;
        }
    }

    /// Of a series that is whole, what only the live forecast knows.
    fn forget_gone(&mut self) {
        self.gathered.pop_if(|(_, _, series)| !series.is_there);
    }

    fn cut(&mut self, whole: usize) -> Result<Chunk, ArrowError> {
        let taken: Vec<Gathered> = self.gathered.drain(..whole).collect();
        self.points = self.gathered.iter().map(|(_, _, series)| series.points.len()).sum();
        let keys = (0..self.keys).map(|place| {
            let rows: Vec<&dyn Array> = taken.iter().map(|(key, _, _)| key[place].as_ref()).collect();
            concat(&rows)
        });
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(Chunk { keys, series: taken.into_iter().map(|(_, _, series)| series).collect() })
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let keys = &batch.columns()[..self.keys];
        let rows = Rows::of(batch, self.keys, self.regressors, self.levels)?;
        let encoded = match keys.is_empty() {
            true => None,
            false => {
                if self.converter.is_none() {
                    let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
                    self.converter = Some(RowConverter::new(fields)?);
                }
                self.converter.as_ref().map(|converter| converter.convert_columns(keys)).transpose()?
            }
        };
        let runs = match keys.is_empty() {
            true => std::iter::once(0..batch.num_rows()).collect(),
            false => partition(keys)?.ranges(),
        };
        for run in runs {
            let key = encoded.as_ref().map(|encoded| encoded.row(run.start).owned());
            if self.gathered.last().is_none_or(|(_, known, _)| *known != key) {
                self.forget_gone();
                let first = UInt32Array::from(vec![run.start as u32]);
                let row = keys.iter().map(|key| take(key, &first, None)).collect::<Result<_, _>>()?;
                self.gathered.push((row, key, OfSeries::default()));
            }
            if let Some((_, _, series)) = self.gathered.last_mut() {
                self.points += run.len();
                run.for_each(|row| rows.add(row, series));
            }
        }
        Ok(())
    }
}

/// The columns of a batch behind its keys.
struct Rows {
    parts: ArrayRef,
    times: ArrayRef,
    values: ArrayRef,
    known: Vec<ArrayRef>,
    said: Option<SaidRows>,
}

/// What the rows of the live forecast have beside the others.
struct SaidRows {
    steps: ArrayRef,
    /// Low and high ends, level by level.
    ends: Vec<ArrayRef>,
    states: ArrayRef,
}

impl Rows {
    fn of(batch: &RecordBatch, keys: usize, regressors: usize, levels: Option<usize>) -> Result<Rows, ArrowError> {
        let at = |place: usize| batch.column(keys + place);
        let numbers = |from: usize, count: usize| -> Result<Vec<ArrayRef>, ArrowError> {
            (from..from + count).map(|place| cast(at(place), &Arrow::Float64)).collect()
        };
        let said = match levels {
            None => None,
            Some(levels) => Some(SaidRows {
                steps: cast(at(3 + regressors), &Arrow::Int64)?,
                ends: numbers(4 + regressors, 2 * levels)?,
                states: cast(at(4 + regressors + 2 * levels), &Arrow::Utf8)?,
            }),
        };
        Ok(Rows {
            parts: cast(at(0), &Arrow::Int64)?,
            times: as_times(at(1))?,
            values: cast(at(2), &Arrow::Float64)?,
            known: numbers(3, regressors)?,
            said,
        })
    }

    fn add(&self, row: usize, series: &mut OfSeries) {
        let time = self.times.as_primitive::<Int64Type>().value(row);
        let number = |of: &ArrayRef| of.is_valid(row).then(|| of.as_primitive::<Float64Type>().value(row));
        let value = number(&self.values);
        if let Some(said) = self.said.as_ref().filter(|_| self.parts.as_primitive::<Int64Type>().value(row) == 0) {
            if said.states.is_valid(row) {
                series.state = Some(said.states.as_string::<i32>().value(row).to_owned());
            }
            let step = said.steps.as_primitive::<Int64Type>().value(row);
            let bands = said.ends.chunks_exact(2).map(|ends| number(&ends[0]).zip(number(&ends[1]))).collect();
            if let (Some(forecast), Ok(step)) = (value, usize::try_from(step)) {
                series.said.push(Said { time, step, forecast, bands });
            }
            return;
        }
        series.is_there = true;
        if !self.known.is_empty() {
            series.known.0.push(time);
            series.known.1.resize(self.known.len(), Vec::new());
            for (column, known) in series.known.1.iter_mut().zip(&self.known) {
                column.push(number(known).unwrap_or(f64::NAN));
            }
        }
        // A step that only says what is known in advance is no missing value.
        if value.is_some() || self.known.is_empty() {
            series.points.push(Point { time, value });
        }
    }
}

/// One row of keys, as text, for who compares them.
pub(crate) fn texts(keys: &[ArrayRef], row: usize) -> Result<Vec<String>, ArrowError> {
    let text = |key: &ArrayRef| -> Result<String, ArrowError> {
        let texts = cast(key, &Arrow::Utf8)?;
        let texts = texts.as_string::<i32>();
        // A null is no text that could be written.
        Ok(if texts.is_valid(row) { format!("={}", texts.value(row)) } else { String::new() })
    };
    keys.iter().map(text).collect()
}
