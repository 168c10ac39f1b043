//! Forecasts of a CSV file, without a project: `lockgate forecast FILE.csv`.

use std::collections::HashMap;
use std::io::Read;
use std::num::NonZero;
use std::path::Path;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat};
use lockgate_series::axis::{Axis, DAY, Step};
use lockgate_series::batch::{self, Forecasts, Raw, Record, Shared};
use lockgate_series::choose::{self, Pool};
use lockgate_series::hygiene::Point;
use lockgate_series::{Model, Tier, intervals, models};
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{Diagnostic, Diagnostics, Place};
use tokio_util::sync::CancellationToken;

use crate::codes::{BAD_SETTING, BAD_STEP, BAD_VALUE, NO_COLUMN, NOTHING_TO_FORECAST};
use crate::python::{PythonModel, name_of};
use crate::settings::SEASON_MAX;

/// How to read and forecast a file.
#[derive(Clone, Debug)]
pub struct Options {
    /// The columns that tell series apart; none for one series.
    pub series: Vec<String>,
    /// A timestamp, a date or an integer.
    pub time: String,
    pub value: String,
    /// Steps.
    pub horizon: usize,
    /// `1h`, `1d`, `1mo`, `1`; found in the times when `None`.
    pub step: Option<String>,
    /// Lengths in steps; those of the step when empty.
    pub seasons: Vec<usize>,
    /// Percents above 0 and below 100.
    pub levels: Vec<f64>,
    /// Names of models, or files in Python that define `forecast(values, horizon, seasons)`; those that suit each series when empty or `auto`.
    pub models: Vec<String>,
    /// Stops between two series, and ends models in Python that think.
    pub cancel: CancellationToken,
}

/// The forecasts of a file.
#[derive(Clone, Debug)]
pub struct Answer {
    /// One per series, in the order in which they first come in the file.
    pub series: Vec<OfSeries>,
    /// Percents, ascending, each once.
    pub levels: Vec<f64>,
    pub step: Step,
    /// What models in Python did not answer.
    pub warnings: Diagnostics,
}

/// The forecast of one series.
#[derive(Clone, Debug)]
pub struct OfSeries {
    /// The values of the series' columns.
    pub key: Vec<String>,
    /// As the file writes times: RFC 3339, a day, an integer.
    pub times: Vec<String>,
    pub forecast: Vec<f64>,
    /// Low and high end per level, one pair per step.
    pub bands: Vec<Vec<(f64, f64)>>,
    /// The models that make it, heaviest first.
    pub model: String,
    /// What is recorded of the series.
    pub record: Record,
    /// Its newest values, oldest first, for a picture.
    pub history: Vec<f64>,
}

/// How the file writes times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Times {
    Integer,
    Day,
    Instant,
}

/// Reads a CSV file with a header and forecasts its series, on all cores. `file` is what diagnostics call it.
///
/// # Errors
/// A column that is not there, a time or a value that is none (with its line), a file without rows. When it is cancelled, it has no series.
pub fn forecast_csv(reader: impl Read, file: &Path, options: &Options) -> Result<Answer, Diagnostics> {
    let levels = settled(options)?;
    let read = Table::read(reader, file, options)?;
    let step = match &options.step {
        Some(text) => text.parse::<Step>().map_err(|error| Diagnostic::error(&BAD_STEP, error.to_string()))?,
        None => inferred(&read, read.times != Times::Integer)?,
    };
    if matches!(step, Step::Integer(_)) != (read.times == Times::Integer) {
        let what = if read.times == Times::Integer { "integers" } else { "instants" };
        let message = format!("the times are {what}, and the step is {step}");
        return Err(Diagnostic::error(&BAD_STEP, message).into());
    }
    let axis = Axis::new(step);
    let is_file = |name: &&String| is_python(name);
    let python: Vec<_> = options
        .models
        .iter()
        .filter(is_file)
        .map(|name| PythonModel::start(Path::new(name), &options.cancel))
        .collect::<Result<_, _>>()?;
    let extra: Vec<&dyn Model> = python.iter().map(|model| &**model as &dyn Model).collect();
    // Files alone join what suits each series.
    let is_auto = options.models.iter().all(|name| is_python(name) || name == "auto");
    let names = options.models.iter().map(|name| match is_python(name) {
        true => name_of(Path::new(name)).to_owned(),
        false => name.clone(),
    });
    let settings = batch::Settings {
        horizon: options.horizon,
        seasons: (!options.seasons.is_empty()).then(|| ascending(&options.seasons)),
        choose: choose::Settings {
            models: (!is_auto).then(|| names.collect()),
            tier: Tier::Dear,
            ..choose::Settings::default()
        },
        intervals: intervals::Settings { levels: levels.clone(), ..intervals::Settings::default() },
        ..batch::Settings::default()
    };
    let pool = Pool::new(&extra);
    let shared = Shared { last: last(&read, &axis), ..Shared::new(axis, &pool) };
    let mut parts = in_parallel(&read, &shared, &settings, &options.cancel);
    if options.cancel.is_cancelled() {
        // Some in the middle may be missing.
        parts.clear();
    }
    let mut series = Vec::with_capacity(read.series.len());
    for ((key, points), forecasts) in read.series.iter().zip(parts) {
        series.push(of_series(key, points, forecasts, read.times, step));
    }
    let warnings = python.iter().filter_map(|model| model.warning()).collect();
    Ok(Answer { series, levels, step, warnings: Diagnostics(warnings) })
}

fn settled(options: &Options) -> Result<Vec<f64>, Diagnostics> {
    let mut wrong = Diagnostics::default();
    if options.levels.iter().any(|level| !(*level > 0.0 && *level < 100.0)) {
        wrong.push(Diagnostic::error(&BAD_SETTING, "a level is a percent above 0 and below 100"));
    }
    if options.seasons.iter().any(|season| !(2..=SEASON_MAX).contains(season)) {
        wrong.push(Diagnostic::error(&BAD_SETTING, format!("a season has 2 to {SEASON_MAX} steps")));
    }
    let known: Vec<&str> = models::all().iter().map(|model| model.name()).collect();
    let is_unknown = |name: &&String| !is_python(name) && *name != "auto" && !known.contains(&name.as_str());
    for name in options.models.iter().filter(is_unknown) {
        let error = Diagnostic::error(&BAD_SETTING, format!("no model is called `{name}`"));
        wrong.push(match did_you_mean(name, known.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.expected(format!("some of {}", known.join(", "))),
        });
    }
    let mut levels = options.levels.clone();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    if wrong.is_empty() { Ok(levels) } else { Err(wrong) }
}

/// Whether it names a file.
fn is_python(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "py")
}

fn ascending(seasons: &[usize]) -> Vec<usize> {
    let mut seasons = seasons.to_vec();
    seasons.sort_unstable();
    seasons.dedup();
    seasons
}

/// The step of the longest series.
fn inferred(read: &Table, instants: bool) -> Result<Step, Diagnostics> {
    let longest = read.series.iter().max_by_key(|(_, points)| points.len());
    let times: Vec<i64> = longest.into_iter().flat_map(|(_, points)| points.iter().map(|point| point.time)).collect();
    Step::infer(&times, instants).ok_or_else(|| {
        let error = Diagnostic::error(&BAD_STEP, "the times do not say how far apart the steps are");
        error.hint("say it: --step 1h").into()
    })
}

/// The step on which most series end.
fn last(read: &Table, axis: &Axis<'_>) -> Option<i64> {
    let mut counts: HashMap<i64, usize> = HashMap::new();
    for (_, points) in &read.series {
        if let Some(newest) = points.iter().map(|point| point.time).max() {
            *counts.entry(axis.index(newest)).or_default() += 1;
        }
    }
    counts.into_iter().max_by_key(|(step, count)| (*count, *step)).map(|(step, _)| step)
}

/// One by one for each series, in their order, by as many threads as there are cores.
fn in_parallel(
    read: &Table,
    shared: &Shared<'_>,
    settings: &batch::Settings,
    cancel: &CancellationToken,
) -> Vec<Forecasts> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(read.series.len().max(1));
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut done: Vec<(usize, Forecasts)> = std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            loop {
                let place = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some((key, points)) = read.series.get(place).filter(|_| !cancel.is_cancelled()) else {
                    return done;
                };
                let name = key.join(",");
                let axis = shared.axis.in_phase(points.iter().map(|point| point.time));
                let shared = Shared { axis, ..*shared };
                done.push((place, batch::forecast(&[Raw { name: &name, points }], &shared, settings)));
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, forecasts)| forecasts).collect()
}

fn of_series(key: &[String], points: &[Point], mut forecasts: Forecasts, times: Times, step: Step) -> OfSeries {
    let record = forecasts.records.remove(0);
    let rows = forecasts.rows;
    let mut sorted = points.to_vec();
    sorted.sort_by_key(|point| point.time);
    OfSeries {
        key: key.to_vec(),
        times: rows.iter().map(|row| written(row.time, times, step)).collect(),
        forecast: rows.iter().map(|row| row.forecast).collect(),
        bands: rows.iter().map(|row| row.bands.clone()).collect(),
        model: record.choice.model(),
        record,
        history: sorted.iter().filter_map(|point| point.value).collect(),
    }
}

/// A time as the file writes them.
fn written(time: i64, times: Times, step: Step) -> String {
    let is_day = times == Times::Day && !matches!(step, Step::Micros(micros) if micros % DAY != 0);
    match (times, DateTime::from_timestamp_micros(time)) {
        (Times::Integer, _) | (_, None) => time.to_string(),
        (_, Some(instant)) if is_day => instant.date_naive().to_string(),
        (_, Some(instant)) => instant.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    }
}

/// What was read of the file.
struct Table {
    series: Vec<(Vec<String>, Vec<Point>)>,
    times: Times,
}

impl Table {
    fn read(reader: impl Read, file: &Path, options: &Options) -> Result<Table, Diagnostics> {
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(reader);
        let header = reader.headers().map_err(|error| broken(&error, file))?.clone();
        let find = |name: &str| {
            let found = header.iter().position(|column| column.trim() == name);
            found.ok_or_else(|| {
                let names: Vec<&str> = header.iter().collect();
                let error = Diagnostic::error(&NO_COLUMN, format!("{} has no column `{name}`", file.display()));
                Diagnostics::from(match did_you_mean(name, names.iter().copied()) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.expected(format!("one of {}", names.join(", "))),
                })
            })
        };
        let keys = options.series.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?;
        let (time, value) = (find(&options.time)?, find(&options.value)?);
        let mut places: HashMap<Vec<String>, usize> = HashMap::new();
        let mut table = Table { series: Vec::new(), times: Times::Integer };
        let mut known = None;
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(|error| broken(&error, file))? {
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |column: usize| record.get(column).unwrap_or_default().trim();
            let (instant, times) = parsed(cell(time)).ok_or_else(|| wrong(file, line, "time", cell(time)))?;
            let times = match (known, times) {
                (None, times) => times,
                (Some(Times::Integer), Times::Integer) => Times::Integer,
                (Some(Times::Integer), _) | (Some(_), Times::Integer) => {
                    return Err(wrong(file, line, "time", cell(time)));
                }
                (Some(before), now) => {
                    if before == now {
                        now
                    } else {
                        Times::Instant
                    }
                }
            };
            known = Some(times);
            let value = match cell(value) {
                "" | "NA" | "NaN" | "nan" | "null" | "NULL" => None,
                text => Some(text.parse::<f64>().map_err(|_| wrong(file, line, "value", text))?),
            };
            let key: Vec<String> = keys.iter().map(|column| cell(*column).to_owned()).collect();
            let place = *places.entry(key).or_insert_with_key(|key| {
                table.series.push((key.clone(), Vec::new()));
                table.series.len() - 1
            });
            table.series[place].1.push(Point { time: instant, value });
        }
        let Some(times) = known else {
            let message = format!("{} has no rows", file.display());
            return Err(Diagnostic::error(&NOTHING_TO_FORECAST, message).at(Place::file(file)).into());
        };
        table.times = times;
        Ok(table)
    }
}

fn broken(error: &csv::Error, file: &Path) -> Diagnostics {
    Diagnostic::error(&BAD_VALUE, format!("{} is not a table: {error}", file.display())).at(Place::file(file)).into()
}

fn wrong(file: &Path, line: u64, what: &str, text: &str) -> Diagnostics {
    let error = Diagnostic::error(&BAD_VALUE, format!("line {line}: `{text}` is no {what}")).at(Place::file(file));
    let expected = match what {
        "time" => "RFC 3339, 2026-11-01, 2026-11-01 06:00, or an integer; the same in every line",
        _ => "a number, or nothing where it is missing",
    };
    error.expected(expected).into()
}

/// Microseconds of UTC, or the integer itself.
fn parsed(text: &str) -> Option<(i64, Times)> {
    if let Ok(number) = text.parse::<i64>() {
        return Some((number, Times::Integer));
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Some((day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros(), Times::Day));
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some((instant.timestamp_micros(), Times::Instant));
    }
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let naive = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    Some((naive.and_utc().timestamp_micros(), Times::Instant))
}
