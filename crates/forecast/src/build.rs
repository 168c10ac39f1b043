//! One pass over the sorted history: chunks of series are forecast in parallel and written in their order.
//!
//! Memory: the rows of as many chunks as there are threads, and one series on its way in. The same rows give the same table,
//! whatever the number of threads and however the rows are divided; only a `time_budget` goes by the machine's speed.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat, partition, take};
use arrow::datatypes::{DataType as Arrow, Float64Type, Int64Type, TimeUnit};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use chrono::TimeDelta;
use chrono_tz::Tz;
use futures::{StreamExt, stream};
use lockgate_engine::{BatchStream, EngineError, Session};
use lockgate_kind::{BuildContext, Built, KindError};
use lockgate_lake::Layout;
use lockgate_series::axis::{Axis, Step};
use lockgate_series::batch::{self, Forecasts, Raw, Row, Shared};
use lockgate_series::calendar::{Columns, columns as calendar_columns};
use lockgate_series::choose::{self, Pool};
use lockgate_series::hygiene::Point;
use lockgate_series::{Tier, intervals};
use lockgate_types::{DataType, Diagnostic, Effects, Instant, Schema};
use tokio_util::sync::CancellationToken;

use crate::codes::NOTHING_TO_FORECAST;
use crate::columns::{self, quoted};
use crate::settings::Settings;

/// Series that are forecast as one task, at most.
const SERIES_OF_A_CHUNK: usize = 16;
/// Rows of its forecast that make a chunk full before that: each has what is told of its series as text.
const ROWS_OF_A_CHUNK: usize = 16_384;
/// Points that make a chunk full before that.
const POINTS_OF_A_CHUNK: usize = 1 << 20;

pub(crate) async fn build(cx: BuildContext, settings: &Arc<Settings>) -> Result<Built, KindError> {
    let clock = Clock::of(settings, &cx);
    let nothing = |message: String| {
        let place = cx.file.source.place(settings.of_span);
        KindError::permanent(Diagnostic::error(&NOTHING_TO_FORECAST, message).at(place))
    };
    let Some(last) = newest(&cx.session, settings, &clock).await? else {
        return Err(nothing(format!("{} has no rows with a time and a value", settings.of)));
    };
    let work = Arc::new(Work {
        clock,
        batch: batch_settings(settings),
        schema: cx.schema.clone(),
        settings: Arc::clone(settings),
        last,
        budget: Budget { started: cx.effects.clock.monotonic(), of: settings.time_budget, effects: cx.effects.clone() },
        cancel: cx.cancel.clone(),
    });
    let rows = cx.session.stream(&history(settings)).await?;
    let chunks =
        Chunks::new(rows, settings.series.len(), (ROWS_OF_A_CHUNK / settings.horizon).clamp(1, SERIES_OF_A_CHUNK));
    let layout = Layout { partition_by: cx.file.partition_by.clone(), ..Layout::default() };
    let set = cx.table.stage_set(cx.number, &cx.schema, layout);
    let mut writer = set.writer(0);
    let mut read = 0;
    let computed = stream::try_unfold(chunks, |mut chunks| async move {
        let chunk = chunks.next().await?;
        Ok::<_, KindError>(chunk.map(|chunk| (chunk, chunks)))
    })
    .map(|chunk| {
        let work = Arc::clone(&work);
        async move {
            let chunk = chunk?;
            let points = chunk.points();
            // CPU work runs off the runtime.
            match tokio::task::spawn_blocking(move || work.forecast(&chunk)).await {
                Ok(batch) => Ok((points, batch?)),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => Err(KindError::Interrupted),
            }
        }
    })
    .buffered(cx.threads.max(1));
    let mut computed = std::pin::pin!(computed);
    while let Some(chunk) = computed.next().await {
        cx.go_on()?;
        let (points, batch) = chunk?;
        read += points;
        cx.progress.add_rows(batch.num_rows());
        writer.write(&batch)?;
    }
    let staged = writer.finish().await?;
    if staged.rows == 0 {
        return Err(nothing(format!("every series of {} ended long ago", settings.of)));
    }
    Ok(Built {
        rows: staged.rows,
        size_bytes: staged.size_bytes,
        files: staged.files,
        schema: cx.schema.clone(),
        rejects: None,
        rows_rejected: 0,
        rows_read: read as u64,
        source_state: serde_json::Value::Null,
        outside_key: None,
        warnings: Vec::new(),
    })
}

fn of_arrow(error: ArrowError) -> KindError {
    EngineError::Execution(error.to_string()).into()
}

/// The rows of the history, series by series, oldest first.
fn history(settings: &Settings) -> String {
    let series: Vec<String> = settings.series.iter().map(|name| quoted(name)).collect();
    let (time, value) = (quoted(&settings.time), quoted(&settings.value));
    let selected = [&series[..], &[time.clone(), value]].concat().join(", ");
    // By the value as well, so that what is last of several at one time is the same each time.
    let order = selected.clone();
    format!("select {selected} from {} where {time} is not null order by {order}", settings.of)
}

/// The step on which most series end; what lies beyond the last step that can be over does not count.
async fn newest(session: &Session, settings: &Settings, clock: &Clock) -> Result<Option<i64>, KindError> {
    let (time, value) = (quoted(&settings.time), quoted(&settings.value));
    let by = match settings.series.is_empty() {
        true => String::new(),
        false => {
            format!(" group by {}", settings.series.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))
        }
    };
    let query = format!(
        "select newest, count(*) as series from (select max({time}) as newest from {} \
         where {time} is not null and {value} is not null{by}) where newest is not null group by newest",
        settings.of
    );
    let mut ends: BTreeMap<i64, i64> = BTreeMap::new();
    let offset = clock.offset();
    let axis = clock.axis(offset.as_ref());
    let mut batches = session.stream(&query).await?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let times = as_times(batch.column(0)).map_err(of_arrow)?;
        let counts = cast(batch.column(1), &Arrow::Int64).map_err(of_arrow)?;
        let (times, counts) = (times.as_primitive::<Int64Type>(), counts.as_primitive::<Int64Type>());
        for (time, count) in times.iter().zip(counts) {
            let step = axis.index(time.unwrap_or_default()).min(clock.last_over(&axis));
            *ends.entry(step).or_default() += count.unwrap_or_default();
        }
    }
    Ok(ends.into_iter().max_by_key(|(step, count)| (*count, *step)).map(|(step, _)| step))
}

/// Times as the library has them: microseconds of UTC, or integers.
fn as_times(times: &ArrayRef) -> Result<ArrayRef, ArrowError> {
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

fn batch_settings(settings: &Settings) -> batch::Settings {
    batch::Settings {
        horizon: settings.horizon,
        seasons: settings.seasons.clone(),
        hygiene: settings.hygiene.clone(),
        choose: choose::Settings { models: settings.models.clone(), ..choose::Settings::default() },
        intervals: intervals::Settings { levels: settings.levels.clone(), ..intervals::Settings::default() },
    }
}

/// What is left of the time to choose in.
struct Budget {
    started: Instant,
    of: Option<TimeDelta>,
    effects: Effects,
}

impl Budget {
    /// The dearest models that the next series may ask.
    fn tier(&self) -> Tier {
        let Some(of) = self.of.and_then(|of| of.to_std().ok()) else { return Tier::Dear };
        let gone = self.effects.clock.monotonic().saturating_sub(self.started);
        match () {
            () if gone >= of => Tier::Fast,
            () if gone * 2 >= of => Tier::Usual,
            () => Tier::Dear,
        }
    }
}

/// The clock that the steps go by, and how far it has come.
#[derive(Clone, Copy)]
struct Clock {
    step: Step,
    /// Only instants are moved to a local clock: a day or a naive timestamp is one already.
    zone: Option<Tz>,
    /// Up to when the source is complete, as the times of the table count; `None` for integers.
    until: Option<i64>,
    /// Whether a step that is not over is left out.
    partial: bool,
}

impl Clock {
    fn of(settings: &Settings, cx: &BuildContext) -> Clock {
        let time = cx.schema.columns.get(settings.series.len()).map(|column| &column.data_type);
        let is_instant = matches!(time, Some(DataType::Timestamptz));
        let now = cx.as_of.timestamp_micros();
        let until = match settings.timezone {
            Some(zone) if !is_instant => now.saturating_add(local_offset(zone, now)),
            _ => now,
        };
        Clock {
            step: settings.step,
            zone: settings.timezone.filter(|_| is_instant),
            until: (!matches!(settings.step, Step::Integer(_))).then_some(until),
            partial: settings.hygiene.partial,
        }
    }

    fn offset(&self) -> Option<impl Fn(i64) -> i64 + Sync + use<>> {
        self.zone.map(|zone| move |time: i64| local_offset(zone, time))
    }

    fn axis<'a, F: Fn(i64) -> i64 + Sync>(&self, offset: Option<&'a F>) -> Axis<'a> {
        match offset {
            Some(offset) => Axis::local(self.step, offset),
            None => Axis::new(self.step),
        }
    }

    /// The last step that can be over.
    fn last_over(&self, axis: &Axis<'_>) -> i64 {
        self.until.map_or(i64::MAX, |until| axis.index(until) - i64::from(self.partial))
    }
}

/// What all chunks share.
struct Work {
    clock: Clock,
    batch: batch::Settings,
    schema: Schema,
    settings: Arc<Settings>,
    /// The step on which most series end.
    last: i64,
    budget: Budget,
    cancel: CancellationToken,
}

impl Work {
    /// Each series alone, on an axis of its own: whatever shares its chunk changes nothing.
    fn forecast(&self, chunk: &Chunk) -> Result<RecordBatch, KindError> {
        let mut forecasts = Forecasts::default();
        for (place, points) in chunk.series.iter().enumerate() {
            if self.cancel.is_cancelled() {
                return Err(KindError::Interrupted);
            }
            let one = self.one(points);
            forecasts.rows.extend(one.rows.into_iter().map(|row| Row { series: place, ..row }));
            forecasts.records.extend(one.records);
        }
        columns::batch(&self.schema, &self.settings, &chunk.keys, &forecasts).map_err(of_arrow)
    }

    fn one(&self, points: &[Point]) -> Forecasts {
        let choose = choose::Settings { tier: self.budget.tier(), ..self.batch.choose.clone() };
        let settings = batch::Settings { choose, ..self.batch.clone() };
        let offset = self.clock.offset();
        let axis = self.clock.axis(offset.as_ref()).in_phase(points.iter().map(|point| point.time));
        let pool = Pool::new(&[]);
        let (country, horizon) = (self.settings.country, self.settings.horizon);
        let known = |first: i64, steps: usize| {
            let what = Columns { country, ..Columns::default() };
            calendar_columns(&what, &axis, first, steps.saturating_sub(horizon), steps)
        };
        let mut shared = Shared::new(axis, &pool);
        shared.until = self.clock.until;
        shared.last = Some(self.last);
        if country.is_some() {
            shared.known = Some(&known);
        }
        batch::forecast(&[Raw { name: "", points }], &shared, &settings)
    }
}

/// Microseconds that a zone's clock is ahead of UTC.
fn local_offset(zone: Tz, time: i64) -> i64 {
    use chrono::{Offset, TimeZone};
    let instant = chrono::DateTime::from_timestamp_micros(time).map(|instant| instant.naive_utc());
    let offset = instant.map(|instant| zone.offset_from_utc_datetime(&instant).fix().local_minus_utc());
    i64::from(offset.unwrap_or(0)) * 1_000_000
}

/// Whole series in the order of their keys.
struct Chunk {
    /// One row per series.
    keys: Vec<ArrayRef>,
    series: Vec<Vec<Point>>,
}

impl Chunk {
    fn points(&self) -> usize {
        self.series.iter().map(Vec::len).sum()
    }
}

/// Cuts the sorted rows into chunks of whole series.
struct Chunks {
    rows: BatchStream,
    keys: usize,
    /// Series of a chunk.
    most: usize,
    converter: Option<RowConverter>,
    /// The series that are gathered; the last one may go on in the next batch.
    gathered: Vec<(Vec<ArrayRef>, Option<OwnedRow>, Vec<Point>)>,
    points: usize,
    is_over: bool,
}

impl Chunks {
    fn new(rows: BatchStream, keys: usize, most: usize) -> Chunks {
        Chunks { rows, keys, most, converter: None, gathered: Vec::new(), points: 0, is_over: false }
    }

    async fn next(&mut self) -> Result<Option<Chunk>, KindError> {
        while !self.is_over && self.gathered.len() <= self.most && self.points <= POINTS_OF_A_CHUNK {
            match self.rows.next().await {
                Some(batch) => self.take(&batch?).map_err(of_arrow)?,
                None => self.is_over = true,
            }
        }
        // The last one goes on, unless there are no more rows.
        let whole = match self.is_over {
            true => self.gathered.len(),
            false => self.gathered.len() - 1,
        };
        if whole == 0 {
            return match self.is_over {
                true => Ok(None),
                // One series that is larger than a chunk.
                false => {
                    self.points = 0;
                    Box::pin(self.next()).await
                }
            };
        }
        let taken: Vec<_> = self.gathered.drain(..whole.min(self.most)).collect();
        self.points = self.gathered.iter().map(|(_, _, points)| points.len()).sum();
        let mut keys = Vec::with_capacity(self.keys);
        for place in 0..self.keys {
            let rows: Vec<&dyn Array> = taken.iter().map(|(key, _, _)| key[place].as_ref()).collect();
            keys.push(concat(&rows).map_err(of_arrow)?);
        }
        Ok(Some(Chunk { keys, series: taken.into_iter().map(|(_, _, points)| points).collect() }))
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let keys = &batch.columns()[..self.keys];
        let times = as_times(batch.column(self.keys))?;
        let values = cast(batch.column(self.keys + 1), &Arrow::Float64)?;
        let (times, values) = (times.as_primitive::<Int64Type>(), values.as_primitive::<Float64Type>());
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
            let points = run
                .clone()
                .map(|row| Point { time: times.value(row), value: values.is_valid(row).then(|| values.value(row)) });
            let key = encoded.as_ref().map(|encoded| encoded.row(run.start).owned());
            self.points += run.len();
            match self.gathered.last_mut() {
                Some((_, known, gathered)) if *known == key => gathered.extend(points),
                _ => {
                    let first = arrow::array::UInt32Array::from(vec![run.start as u32]);
                    let row = keys.iter().map(|key| take(key, &first, None)).collect::<Result<_, _>>()?;
                    self.gathered.push((row, key, points.collect()));
                }
            }
        }
        Ok(())
    }
}

/// Whether a column's values can be times; what they are as the library sees them.
pub(crate) fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp | DataType::Timestamptz | DataType::Date | DataType::Int | DataType::Bigint)
}

/// Whether the values of the time column are instants, not integers.
pub(crate) fn is_instant(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp | DataType::Timestamptz | DataType::Date)
}
