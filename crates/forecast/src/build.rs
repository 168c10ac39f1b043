//! One pass over the sorted history: chunks of series are forecast in parallel and written in their order. (`boosted` looks at it once
//! before; where series have just begun, the newest rows are looked at for what their siblings are like.)
//!
//! Memory: the rows of as many chunks as there are threads, one series on its way in, and the forecasts of a piece that is to be kept;
//! with a hierarchy all forecasts. The same rows give the same table,
//! whatever the number of threads and however the rows are divided; only a `time_budget`, and a model in Python that takes too long, go by
//! the machine's speed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType as Arrow, Int64Type};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, stream};
use lockgate_engine::Session;
use lockgate_kind::{BuildContext, Built, KindError};
use lockgate_lake::Layout;
use lockgate_series::batch::{self, Raw, Shared};
use lockgate_series::choose::{self, Pool};
use lockgate_series::hygiene::{Point, Profile};
use lockgate_series::models::Boosted;
use lockgate_series::{Model, Tier, intervals};
use lockgate_types::{Diagnostic, Effects, Instant};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::codes::{BAD_SETTING, NOTHING_TO_FORECAST};
use crate::columns::{self, quoted};
use crate::hierarchy;
use crate::history::{Chunk, Chunks, Live, as_times, of_arrow};
use crate::kept::Kept;
use crate::late::LateSums;
use crate::python::PythonModel;
use crate::queries;
use crate::settings::{BOOSTED, Settings};
use crate::told::{Forecaster, Told};

/// Series that are forecast as one task, at most.
const SERIES_OF_A_CHUNK: usize = 16;
/// Rows of its forecast that make a chunk full before that: each has what is told of its series as text.
const ROWS_OF_A_CHUNK: usize = 16_384;

/// Values that boosted trees are shown, at most.
const VALUES_TO_LEARN: usize = 1 << 22;

/// The forecasts of a chunk.
pub(crate) struct Computed {
    /// One row per series, as in [`Chunk::keys`].
    pub(crate) keys: Vec<ArrayRef>,
    pub(crate) told: Vec<Told>,
}

/// Hashes of what shapes a forecast.
pub(crate) struct Shape {
    /// What found models depend on.
    pub(crate) models: String,
    /// What is forecast.
    pub(crate) quantity: String,
    /// All of it.
    pub(crate) all: String,
}

/// `python` are the files of `settings.python` as they can be opened.
pub(crate) async fn build(
    cx: BuildContext,
    settings: &Arc<Settings>,
    python: &[PathBuf],
    shape: Shape,
) -> Result<Built, KindError> {
    let clock = Clock::of(settings, &cx);
    let nothing = |message: String| {
        let place = cx.file.source.place(settings.of_span);
        KindError::permanent(Diagnostic::error(&NOTHING_TO_FORECAST, message).at(place))
    };
    let Some(Newest { last, youngest }) = newest(&cx.session, settings, &clock).await? else {
        return Err(nothing(format!("{} has no rows with a time and a value", settings.of)));
    };
    let live = Live::register(&cx, settings)?;
    let python = started(python, &cx.cancel).await?;
    let learns = settings.models.as_ref().is_some_and(|names| names.iter().any(|name| name == BOOSTED));
    let offset = clock.offset();
    let axis = clock.axis(offset.as_ref());
    let query = queries::query(settings, live.as_ref());
    // Sums of numbers that are not whole come out the same on one thread alone.
    let session = if settings.hierarchy.is_empty() { cx.session.clone() } else { cx.session.single() };
    let has_live = live.is_some();
    let chunks = |most: usize| {
        let rows = session.stream(&query);
        async move { Ok::<_, KindError>(Chunks::new(rows.await?, settings, has_live, most)) }
    };
    let (learned, shown) = match learns {
        true => learn(&cx, settings, chunks(SERIES_OF_A_CHUNK).await?, clock, last).await?,
        false => (None, String::new()),
    };
    let profile = siblings(&cx, settings, &clock, last, youngest).await?;
    let late = LateSums::find(&cx, settings, &axis, last).await?;
    let own = python.iter().map(|model| Arc::clone(model) as Arc<dyn Model>);
    let work = Arc::new(Work {
        clock,
        batch: batch_settings(settings),
        settings: Arc::clone(settings),
        last,
        signature: shape.models,
        quantity: shape.quantity,
        as_of: cx.as_of,
        anew: cx.anew,
        budget: Budget { started: cx.effects.clock.monotonic(), of: settings.time_budget, effects: cx.effects.clone() },
        cancel: cx.cancel.clone(),
        profile,
        models: own.chain(learned).collect(),
    });
    let until = clock.last_over(&axis);
    let live_number = live.as_ref().and(cx.live.as_ref()).map(|live| live.number);
    // What a chunk's forecasts depend on beside its rows.
    let newcomers = &work.profile;
    let beside = format!("{} {last} {until} {live_number:?} {} {shown} {newcomers:?}", shape.all, cx.anew);
    let mut kept = Kept::open(&cx, &beside).await?;
    let chunks = chunks((ROWS_OF_A_CHUNK / settings.horizon).clamp(1, SERIES_OF_A_CHUNK)).await?;
    let layout = Layout { partition_by: cx.file.partition_by.clone(), ..Layout::default() };
    let set = cx.table.stage_set(cx.number, &cx.schema, layout);
    let mut writer = set.writer(0);
    let mut read = 0;
    let found = kept.found();
    let begun = (chunks, found, late, Arc::clone(settings));
    let computed = stream::try_unfold(begun, |(mut chunks, mut found, late, settings)| async move {
        let Some(mut chunk) = chunks.next().await? else { return Ok(None) };
        late.cut(&mut chunk, &settings)?;
        let mark = chunk.mark();
        let told = found.next(&mark).await?;
        Ok::<_, KindError>(Some(((chunk, mark, told), (chunks, found, late, settings))))
    })
    .map(|chunk| {
        let work = Arc::clone(&work);
        async move {
            let (chunk, mark, told) = chunk?;
            let points = chunk.points();
            if let Some(told) = told {
                return Ok((points, None, Computed { keys: chunk.keys, told }));
            }
            let computed = off_the_runtime(move || work.forecast(chunk)).await??;
            Ok::<_, KindError>((points, Some(mark), computed))
        }
    })
    .buffered(cx.threads.max(1));
    let mut computed = std::pin::pin!(computed);
    let mut write = |part: &Computed| {
        let batch = columns::batch(&cx.schema, settings, &part.keys, &part.told).map_err(of_arrow)?;
        writer.write(&batch).map_err(KindError::from)
    };
    // What has to add up waits for all.
    let mut waiting = Vec::new();
    while let Some(chunk) = computed.next().await {
        cx.go_on()?;
        let (points, mark, part) = chunk?;
        if let Some(mark) = mark {
            kept.add(mark, &part.told).await;
        }
        read += points;
        cx.progress.add_rows(part.told.iter().map(|told| told.rows.len()).sum());
        if settings.hierarchy.is_empty() {
            write(&part)?;
        } else {
            waiting.push(part);
        }
    }
    hierarchy::reconcile(settings, &mut waiting)?;
    for part in &waiting {
        write(part)?;
    }
    let staged = writer.finish().await?;
    kept.discard().await;
    python.iter().filter_map(|model| model.warning()).for_each(|warning| cx.progress.warn(warning));
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
    })
}

/// Boosted trees over a sample of the series, evenly drawn, and a hash of the sample. `None` where there is too little to learn from, which
/// is told. Known columns are not learned: each series has holidays of its own.
async fn learn(
    cx: &BuildContext,
    settings: &Arc<Settings>,
    chunks: Chunks,
    clock: Clock,
    last: i64,
) -> Result<(Option<Arc<dyn Model>>, String), KindError> {
    let sample = sampled(cx, chunks).await?;
    let mut hasher = blake3::Hasher::new();
    for point in sample.iter().flatten() {
        hasher.update(&point.time.to_le_bytes());
        hasher.update(&point.value.unwrap_or(f64::NAN).to_bits().to_le_bytes());
    }
    let shown = hasher.finalize().to_hex().to_string();
    let settings = Arc::clone(settings);
    let place = cx.file.source.place(settings.of_span);
    let trained = off_the_runtime(move || {
        let pool = Pool::new(&[]);
        let offset = clock.offset();
        let axis = clock.axis(offset.as_ref());
        let shared = Shared { until: clock.until, last: Some(last), ..Shared::new(axis, &pool) };
        let raw: Vec<Raw<'_>> = sample.iter().map(|points| Raw { name: "", points }).collect();
        batch::train(&Boosted, &raw, &shared, &batch_settings(&settings))
    });
    match trained.await? {
        Ok(model) => Ok((Some(Arc::from(model)), shown)),
        Err(unfit) => {
            let message = format!("`{BOOSTED}` has nothing to learn from: {unfit}");
            cx.progress.warn(Diagnostic::warning(&BAD_SETTING, message).at(place));
            Ok((None, shown))
        }
    }
}

/// Work for the processor, or a wait that blocks.
async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, KindError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(KindError::Interrupted),
    }
}

/// Points of some of the series, evenly drawn.
async fn sampled(cx: &BuildContext, mut chunks: Chunks) -> Result<Vec<Vec<Point>>, KindError> {
    let (mut sample, mut values, mut every, mut seen) = (Vec::new(), 0, 1, 0_usize);
    while let Some(chunk) = chunks.next().await? {
        cx.go_on()?;
        for series in chunk.series {
            if seen.is_multiple_of(every) && !series.points.is_empty() {
                values += series.points.len();
                sample.push(series.points);
            }
            seen += 1;
            if values > VALUES_TO_LEARN {
                every *= 2;
                let mut is_kept = false;
                sample.retain(|_| {
                    is_kept = !is_kept;
                    is_kept
                });
                values = sample.iter().map(Vec::len).sum();
            }
        }
    }
    Ok(sample)
}

/// Rounds of a season that siblings are looked at.
const ROUNDS: i64 = 3;

/// What series look like, for those that have less than a season: made only where there are such.
async fn siblings(
    cx: &BuildContext,
    settings: &Arc<Settings>,
    clock: &Clock,
    last: i64,
    youngest: i64,
) -> Result<Option<Profile>, KindError> {
    let seasons = settings.seasons.clone().unwrap_or_else(|| settings.step.seasons());
    let time = cx.schema.columns.get(settings.series.len()).map(|column| &column.data_type);
    let (Some(season), Some(time)) = (seasons.first().copied(), time) else { return Ok(None) };
    if settings.series.is_empty() || youngest <= last - season as i64 {
        return Ok(None);
    }
    let offset = clock.offset();
    let from = clock.axis(offset.as_ref()).time(last.saturating_sub(ROUNDS * season as i64));
    let rows = cx.session.stream(&queries::recent(settings, from, time)).await?;
    let sample = sampled(cx, Chunks::new(rows, settings, false, SERIES_OF_A_CHUNK)).await?;
    let (clock, batch) = (*clock, batch_settings(settings));
    let made = off_the_runtime(move || {
        let (offset, pool) = (clock.offset(), Pool::new(&[]));
        let axis = clock.axis(offset.as_ref());
        let shared = Shared { until: clock.until, last: Some(last), ..Shared::new(axis, &pool) };
        let cleaned: Vec<_> = sample.iter().map(|points| batch::cleaned(points, &shared, &batch)).collect();
        let there = cleaned.iter().filter(|series| !series.over).map(|series| (series.first, &series.values[..]));
        Profile::of(there, season)
    });
    made.await
}

/// Starting a process waits for it.
async fn started(files: &[PathBuf], cancel: &CancellationToken) -> Result<Vec<Arc<PythonModel>>, KindError> {
    let (files, cancel) = (files.to_vec(), cancel.clone());
    let start = move || files.iter().map(|file| PythonModel::start(file, &cancel)).collect::<Result<Vec<_>, _>>();
    off_the_runtime(start).await?.map_err(KindError::permanent)
}

/// Where a history ends.
struct Newest {
    /// The step on which most series end; what lies beyond the last step that can be over does not count.
    last: i64,
    /// The step on which the youngest series begins.
    youngest: i64,
}

async fn newest(session: &Session, settings: &Settings, clock: &Clock) -> Result<Option<Newest>, KindError> {
    let (time, value) = (quoted(&settings.time), quoted(&settings.value));
    let by = match settings.series.is_empty() {
        true => String::new(),
        false => {
            format!(" group by {}", settings.series.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))
        }
    };
    let query = format!(
        "select newest, count(*) as series, max(began) as youngest from (select max({time}) as newest, min({time}) as began from {} \
         where {time} is not null and {value} is not null{by}) where newest is not null group by newest",
        settings.of
    );
    let (mut ends, mut youngest) = (BTreeMap::<i64, i64>::new(), i64::MIN);
    let offset = clock.offset();
    let axis = clock.axis(offset.as_ref());
    let mut batches = session.stream(&query).await?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let times = as_times(batch.column(0)).map_err(of_arrow)?;
        let counts = cast(batch.column(1), &Arrow::Int64).map_err(of_arrow)?;
        let began = as_times(batch.column(2)).map_err(of_arrow)?;
        let began = began.as_primitive::<Int64Type>().iter().flatten().map(|time| axis.index(time));
        youngest = began.fold(youngest, i64::max);
        let (times, counts) = (times.as_primitive::<Int64Type>(), counts.as_primitive::<Int64Type>());
        for (time, count) in times.iter().zip(counts) {
            let step = axis.index(time.unwrap_or_default()).min(clock.last_over(&axis));
            *ends.entry(step).or_default() += count.unwrap_or_default();
        }
    }
    Ok(ends.into_iter().max_by_key(|(step, count)| (*count, *step)).map(|(last, _)| Newest { last, youngest }))
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

/// What all chunks share.
struct Work {
    clock: Clock,
    batch: batch::Settings,
    settings: Arc<Settings>,
    /// The step on which most series end.
    last: i64,
    signature: String,
    quantity: String,
    as_of: DateTime<Utc>,
    anew: bool,
    budget: Budget,
    cancel: CancellationToken,
    /// What series look like, for those that have less than a season.
    profile: Option<Profile>,
    /// Those that are not the library's: the user's, and what learned from all series.
    models: Vec<Arc<dyn Model>>,
}

impl Work {
    fn forecast(&self, chunk: Chunk) -> Result<Computed, KindError> {
        let extra: Vec<&dyn Model> = self.models.iter().map(AsRef::as_ref).collect();
        let pool = Pool::new(&extra);
        let forecaster = Forecaster {
            settings: &self.settings,
            batch: &self.batch,
            clock: self.clock,
            last: self.last,
            pool: &pool,
            profile: self.profile.as_ref(),
            signature: &self.signature,
            quantity: &self.quantity,
            as_of: self.as_of,
            anew: self.anew,
        };
        let mut told = Vec::with_capacity(chunk.series.len());
        let leaves = self.settings.hierarchy.len() as i64;
        let levels = match chunk.keys.first().filter(|_| leaves > 0) {
            Some(levels) => Some(cast(levels, &Arrow::Int64).map_err(of_arrow)?),
            None => None,
        };
        let is_sum = |place: usize| {
            levels.as_ref().is_some_and(|levels| levels.as_primitive::<Int64Type>().value(place) < leaves)
        };
        for (place, series) in chunk.series.iter().enumerate() {
            if self.cancel.is_cancelled() {
                return Err(KindError::Interrupted);
            }
            told.push(forecaster.one(series, is_sum(place), self.budget.tier()));
        }
        Ok(Computed { keys: chunk.keys, told })
    }
}
