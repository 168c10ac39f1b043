//! The rows that a forecast is made of, in the order in which it takes them: each series with what the live forecast said of it first, then
//! its history, oldest first. Sorted by the engine, which spills; cut here into chunks of whole series.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, concat, partition, take};
use arrow::datatypes::{DataType as Arrow, Float64Type, Int64Type, TimeUnit};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use futures::StreamExt;
use lockgate_engine::{BatchStream, EngineError, PinnedTable};
use lockgate_kind::{BuildContext, KindError};
use lockgate_series::axis::{Axis, Step};
use lockgate_series::hygiene::{Merge, Point};
use lockgate_types::{DataType, Schema};

use crate::columns::{self, quoted};
use crate::earlier::Expected;
use crate::settings::Settings;

/// Where the live forecast is registered: no asset's name has two underscores in a row.
const LIVE: (&str, &str) = ("lockgate__forecast", "live");
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
        Expected {
            index: axis.index(self.time),
            step: self.step,
            forecast: self.forecast,
            bands: self.bands.clone(),
        }
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
    has_level: Vec<bool>,
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

/// The query of all rows, in their order.
///
/// `over_before` is the time before which a series that has ended is over.
pub(crate) fn query(settings: &Settings, live: Option<&Live>, over_before: i64) -> String {
    let leveled = !settings.hierarchy.is_empty();
    let mut keys: Vec<String> = (0..settings.series.len()).map(|place| format!("lg_k{place}")).collect();
    if leveled {
        keys.insert(0, "lg_level".to_owned());
    }
    let known: Vec<String> = (0..settings.regressors.len()).map(|place| format!("lg_r{place}")).collect();
    let measured = [&keys[..], &["1 as lg_part".into(), "lg_time".into(), "lg_value".into()], &known].concat();
    // By the values as well, so that what is last of several at one time is the same each time.
    let order = [&keys[..], &["lg_part".into(), "lg_time".into(), "lg_value".into()], &known].concat().join(", ");
    let history = history(settings, over_before);
    let Some(live) = live else {
        return format!("select {} from ({history}) order by {order}", measured.join(", "));
    };
    let mut extra = vec!["cast(null as bigint) as lg_step".to_owned()];
    let mut said = Vec::new();
    if leveled {
        said.push(format!("{} as lg_level", level_case(settings)));
    }
    said.extend(settings.series.iter().enumerate().map(|(place, name)| format!("{} as lg_k{place}", quoted(name))));
    said.push("0 as lg_part".to_owned());
    said.push(format!("{} as lg_time", quoted(&settings.time)));
    said.push("forecast as lg_value".to_owned());
    said.extend(known.iter().map(|name| format!("cast(null as double) as {name}")));
    said.push("cast(step as bigint) as lg_step".to_owned());
    for (place, level) in settings.levels.iter().enumerate() {
        let name = columns::level_name(*level);
        for end in ["lo", "hi"] {
            extra.push(format!("cast(null as double) as lg_{end}{place}"));
            said.push(match live.has_level[place] {
                true => format!("{end}_{name} as lg_{end}{place}"),
                false => format!("cast(null as double) as lg_{end}{place}"),
            });
        }
    }
    extra.push("cast(null as varchar) as lg_state".to_owned());
    said.push("cast(state as varchar) as lg_state".to_owned());
    format!(
        "select * from (select {}, {} from ({history}) union all select {} from {}.{}{}) order by {order}",
        measured.join(", "),
        extra.join(", "),
        said.join(", "),
        LIVE.0,
        LIVE.1,
        // Sums that are not asked for any more are no series.
        if leveled { format!(" where {} is not null", level_case(settings)) } else { String::new() },
    )
}

/// The number of a live row's level, by its name.
fn level_case(settings: &Settings) -> String {
    let names = settings.hierarchy.iter().chain([&settings.series]).enumerate();
    let cases: Vec<String> = names
        .map(|(number, level)| format!("when '{}' then {number}", columns::sum_name(level).replace('\'', "''")))
        .collect();
    format!("case {} {} end", columns::HIERARCHY, cases.join(" "))
}

/// The rows of the asset, and the sums of each level of a hierarchy; the leaves are its last level.
///
/// A sum ends where the first of its series ends that is late: after that it would be too small. A series that often has no rows is not
/// late: there was nothing.
fn history(settings: &Settings, over_before: i64) -> String {
    let (time, value) = (quoted(&settings.time), quoted(&settings.value));
    let names: Vec<String> = settings.series.iter().map(|name| quoted(name)).collect();
    let whole = {
        let mut selected: Vec<String> =
            names.iter().enumerate().map(|(place, name)| format!("{name} as lg_k{place}")).collect();
        selected.push(format!("{time} as lg_time"));
        selected.push(format!("cast({value} as double) as lg_value"));
        let known = settings.regressors.iter().enumerate();
        selected.extend(known.map(|(place, name)| format!("cast({} as double) as lg_r{place}", quoted(name))));
        if !settings.hierarchy.is_empty() {
            selected.insert(0, format!("{} as lg_level", settings.hierarchy.len()));
        }
        format!("select {} from {} where {time} is not null", selected.join(", "), settings.of)
    };
    let uppers = settings.hierarchy.iter().enumerate().map(|(number, level)| {
        let mut selected = vec![format!("{number} as lg_level")];
        let mut by = vec![time.clone()];
        for (place, name) in settings.series.iter().enumerate() {
            if level.contains(name) {
                selected.push(format!("{} as lg_k{place}", quoted(name)));
                by.push(quoted(name));
            } else {
                selected.push(format!("null as lg_k{place}"));
            }
        }
        selected.push(format!("{time} as lg_time"));
        selected.push(format!("sum({value}) as lg_value"));
        let known = settings.regressors.iter().enumerate();
        selected.extend(known.map(|(place, name)| format!("avg({}) as lg_r{place}", quoted(name))));
        // Several rows of a series at one time are one value of it before they are part of a sum.
        let merge = match settings.hygiene.duplicates {
            Merge::Sum => "sum",
            Merge::Mean => "avg",
            Merge::Last => "max",
        };
        let mut inner = [&names[..], std::slice::from_ref(&time)].concat();
        let of_each = inner.join(", ");
        inner.push(format!("{merge}(cast({value} as double)) as {value}"));
        let known = settings.regressors.iter();
        inner.extend(known.map(|name| format!("avg(cast({0} as double)) as {0}", quoted(name))));
        let (selected, inner, by) = (selected.join(", "), inner.join(", "), by.join(", "));
        let kept: Vec<String> =
            settings.series.iter().filter(|name| level.contains(name)).map(|name| quoted(name)).collect();
        let (each, groups) = (names.join(", "), kept.join(", "));
        let until: Vec<String> = kept.iter().enumerate().map(|(place, name)| format!("{name} as lg_u{place}")).collect();
        let until = [until, vec!["min(lg_end) as lg_until".to_owned()]].concat().join(", ");
        let same = kept.iter().enumerate().map(|(place, name)| format!("({name} is not distinct from lg_u{place})"));
        let after = format!("({} - {} >= {})", clock(&time, settings), clock("lg_until", settings), seconds(settings));
        let same = same.chain([after]).collect::<Vec<_>>().join(" and ");
        let (first, last) = (clock(&format!("min({time})"), settings), clock(&format!("max({time})"), settings));
        let (step, over) = (seconds(settings), over_before as f64 / clock_unit(settings));
        // Of each series that is there at nearly every step and is not over: where it ends.
        let ends = format!(
            "select {until} from (select {each}, max({time}) as lg_end from {of} where {time} is not null and {value} is not null \
             group by {each} having count(distinct {time}) >= {DENSE} * (({last} - {first}) / {step} + 1) and {last} >= {over:?}) \
             {by_group}",
            of = settings.of,
            by_group = if groups.is_empty() { String::new() } else { format!("group by {groups}") },
        );
        format!(
            "select {selected} from (select {inner} from {} where {time} is not null group by {of_each}) \
             left anti join ({ends}) on {same} group by {by}",
            settings.of
        )
    });
    std::iter::once(whole).chain(uppers).collect::<Vec<_>>().join(" union all ")
}

/// The share of its steps at which a series is there that has no rows only when it is late.
const DENSE: f64 = 0.9;

/// A time as a number, in SQL: seconds, or the integer itself.
fn clock(time: &str, settings: &Settings) -> String {
    match settings.step {
        Step::Integer(_) => format!("cast({time} as double)"),
        _ => format!("cast(date_part('epoch', {time}) as double)"),
    }
}

/// What the library's times are divided by to be such numbers.
fn clock_unit(settings: &Settings) -> f64 {
    if matches!(settings.step, Step::Integer(_)) { 1.0 } else { 1e6 }
}

/// How long a step is at least, as such a number: the day on which clocks are put forward is short, and February.
fn seconds(settings: &Settings) -> f64 {
    match settings.step {
        Step::Integer(steps) => f64::from(steps),
        Step::Micros(micros) => micros as f64 / 1e6,
        Step::Days(days) => f64::from(days) * 86_400.0 - 3_600.0,
        Step::Months(months) => f64::from(months) * 28.0 * 86_400.0 - 3_600.0,
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
