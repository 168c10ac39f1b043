//! A chunk of raw series becomes forecasts with intervals and a record per series.
//!
//! Every series is treated alone: the same bits come out whatever it shares a chunk with. What needs all series (a global model,
//! the siblings' profile, the step on which most series end) is made before and passed in.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::backtest::Plan;
use crate::choose::{self, Choice, Chosen, Pool};
use crate::hygiene::{self, Class, Context, Kind, Point, Profile, STRANGE, Series, Treatment};
use crate::intervals::{self, Coverage, Rhythm};
use crate::model::{GlobalModel, Input, Known, Model, Part, Unfit};
use crate::robust::spread;
use crate::watch::{Duel, Outcome};

/// How a batch is forecast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Steps to forecast.
    pub horizon: usize,
    /// Seasons in steps, ascending; empty for those of the step.
    pub seasons: Option<Vec<usize>>,
    /// What is done to raw series.
    pub hygiene: hygiene::Settings,
    /// How models are chosen.
    pub choose: choose::Settings,
    /// Which intervals are given.
    pub intervals: intervals::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            horizon: 12,
            seasons: None,
            hygiene: hygiene::Settings::default(),
            choose: choose::Settings::default(),
            intervals: intervals::Settings::default(),
        }
    }
}

/// One raw series.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a> {
    /// Its name, unique in the batch.
    pub name: &'a str,
    /// Its points in any order.
    pub points: &'a [Point],
}

/// Columns whose future is known, for steps by number; the same for all series of a call.
pub type KnownAt<'a> = &'a (dyn Fn(i64, usize) -> Option<Known> + Sync);

/// What all series share.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    /// How times become steps.
    pub axis: Axis<'a>,
    /// The models.
    pub pool: &'a Pool<'a>,
    /// The instant up to which the source is complete.
    pub until: Option<i64>,
    /// The step on which most series end.
    pub last: Option<i64>,
    /// What series look like, for those without a history.
    pub profile: Option<&'a Profile>,
    /// Known columns from a step number for so many steps.
    pub known: Option<KnownAt<'a>>,
}

impl<'a> Shared<'a> {
    /// An axis and models, and nothing else known.
    #[must_use]
    pub fn new(axis: Axis<'a>, pool: &'a Pool<'a>) -> Self {
        Self { axis, pool, until: None, last: None, profile: None, known: None }
    }
}

/// A step of a forecast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The place of the series in the chunk.
    pub series: usize,
    /// 1 for the first step of the forecast.
    pub step: usize,
    /// The time of the step.
    pub time: i64,
    /// The forecast.
    pub forecast: f64,
    /// Low and high end per level, in the order of the settings; `low <= forecast <= high`.
    pub bands: Vec<(f64, f64)>,
}

/// What is kept of a series beside its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// What kind of series it is.
    pub class: Class,
    /// Values in its history, gaps included.
    pub length: usize,
    /// The number of the first step that was fitted: parameters of seasons count from there.
    pub start: i64,
    /// Names of the columns whose future was known.
    pub known: Vec<String>,
    /// Seasons that were used.
    pub seasons: Vec<usize>,
    /// What was done to it.
    pub treatments: Vec<Treatment>,
    /// What was chosen, with the errors of the backtest.
    pub choice: Choice,
    /// Measured coverage per level; empty without a backtest.
    pub coverage: Vec<Coverage>,
    /// One minus the backtest error over that of the seasonal naive forecast.
    pub skill: Option<f64>,
    /// Parts that add up to the forecast.
    pub parts: Vec<Part>,
}

/// The forecasts of a chunk.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Forecasts {
    /// Rows by series and step.
    pub rows: Vec<Row>,
    /// One record per series, in the order of the chunk.
    pub records: Vec<Record>,
}

/// Forecasts a chunk of series.
#[must_use]
pub fn forecast(chunk: &[Raw<'_>], shared: &Shared<'_>, settings: &Settings) -> Forecasts {
    let mut forecasts = Forecasts::default();
    for (place, raw) in chunk.iter().enumerate() {
        let one = one(raw, shared, settings);
        for row in one.rows {
            forecasts.rows.push(Row { series: place, ..row });
        }
        forecasts.records.push(one.record);
    }
    forecasts
}

/// Trains a global model on what these series were before the first origin of their backtests, so that the backtest of the trained
/// model is honest. Called once over all series (or a sample of them); the result goes into the [`Pool`] of every chunk. Memory
/// grows with the values given.
///
/// # Errors
/// When there is too little to learn from: the pool does without.
pub fn train(
    global: &dyn GlobalModel,
    sample: &[Raw<'_>],
    shared: &Shared<'_>,
    settings: &Settings,
) -> Result<Box<dyn Model>, Unfit> {
    let seasons = settings.seasons.clone().unwrap_or_else(|| shared.axis.step.seasons());
    let histories: Vec<(Vec<f64>, Option<Known>)> = sample
        .iter()
        .filter_map(|raw| {
            let series = cleaned(raw.points, shared, settings);
            let values = series.regime();
            let plan = Plan::new(values.len(), settings.horizon, &seasons, &settings.choose.backtest)?;
            let origin = *plan.origins.first()?;
            let first = series.first + series.from as i64;
            let known = shared.known.and_then(|known| known(first, origin + settings.horizon));
            Some((values[..origin].to_vec(), known))
        })
        .collect();
    let inputs: Vec<Input<'_>> = histories
        .iter()
        .map(|(values, known)| Input { values, seasons: &seasons, horizon: settings.horizon, known: known.as_ref() })
        .collect();
    global.train(&inputs)
}

/// What the forecast before knew of a series.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// What kind of series it was; of another kind it is chosen anew.
    pub class: Class,
    /// Where it began, as [`Record::start`]; where it begins elsewhere now, parameters would be read at the wrong places.
    pub start: i64,
    /// The columns that were known, by name; with others it is chosen anew.
    pub known: &'a [String],
    /// What was chosen.
    pub choice: &'a Choice,
    /// Search again, and let the new choice take the place of the old one where it errs less by this rule. Without, the old one is
    /// taken up where it can be.
    pub refit: Option<Duel>,
}

/// The series as it is fitted.
#[must_use]
pub fn cleaned(points: &[Point], shared: &Shared<'_>, settings: &Settings) -> Series {
    let seasons = settings.seasons.clone().unwrap_or_else(|| shared.axis.step.seasons());
    let context = Context { until: shared.until, last: shared.last, horizon: settings.horizon };
    hygiene::clean(points, &shared.axis, &seasons, &settings.hygiene, context)
}

/// The forecast of one series; the rows say series 0.
#[derive(Debug, Clone, PartialEq)]
pub struct One {
    /// One per step; none for a series that is over.
    pub rows: Vec<Row>,
    /// What is kept.
    pub record: Record,
    /// The series as it was fitted.
    pub series: Series,
    /// The choice with its backtest; none where there was nothing to fit.
    pub chosen: Option<Chosen>,
    /// Whether models were searched; else the choice before was taken up.
    pub searched: bool,
    /// How the choice before did against the new one; none where they were not compared.
    pub duel: Option<Outcome>,
}

/// Forecasts one series.
#[must_use]
pub fn one(raw: &Raw<'_>, shared: &Shared<'_>, settings: &Settings) -> One {
    one_after(raw, None, shared, settings)
}

/// Forecasts one series, with the models of the forecast before where there is one.
#[must_use]
pub fn one_after(raw: &Raw<'_>, before: Option<Before<'_>>, shared: &Shared<'_>, settings: &Settings) -> One {
    let seasons = settings.seasons.clone().unwrap_or_else(|| shared.axis.step.seasons());
    let series = cleaned(raw.points, shared, settings);
    let record = |class: Class, choice: Choice| Record {
        name: raw.name.to_owned(),
        class,
        length: series.values.len(),
        start: series.first + series.from as i64,
        known: Vec::new(),
        seasons: seasons.clone(),
        treatments: series.treatments.clone(),
        skill: choice.skill(),
        choice,
        coverage: Vec::new(),
        parts: Vec::new(),
    };
    let few = shared.profile.is_some_and(|profile| is_newcomer(&series, profile, shared.last));
    if series.values.is_empty() || series.over || few {
        return newcomer(&series, shared, settings, record);
    }
    let values = series.regime();
    let horizon = settings.horizon + series.late;
    let known = shared.known.and_then(|known| known(series.first + series.from as i64, values.len() + horizon));
    let input = Input { values, seasons: &seasons, horizon, known: known.as_ref() };
    let (actual, pool, how) = (series.measured(), shared.pool, &settings.choose);
    let names = known.as_ref().map_or(&[][..], |known| &known.names);
    let start = series.first + series.from as i64;
    let before = before.filter(|before| before.class == series.class && before.start == start && before.known == names);
    let taken_up = before
        .filter(|before| before.refit.is_none())
        .and_then(|before| choose::again(before.choice, &input, actual, pool, how));
    let searched = taken_up.is_none();
    let (chosen, duel) = match (taken_up, before.and_then(|before| Some((before.choice, before.refit?)))) {
        (Some(chosen), _) => (chosen, None),
        (None, Some((champion, rule))) => choose::contest(champion, &input, actual, series.class, pool, how, &rule),
        (None, None) => (choose::choose(&input, actual, series.class, pool, how), None),
    };
    let one_step = spread(values.iter().zip(&chosen.fit.fitted).map(|(value, fitted)| value - fitted));
    let origins = chosen.plan.as_ref().map_or(&[][..], |plan| &plan.origins);
    let levels = &settings.intervals.levels;
    let (rhythm, residuals) = in_rhythm(&series, &chosen, &seasons);
    let mut widths = intervals::widths(&residuals, origins, horizon, one_step, levels);
    for half in &mut widths.half {
        for (step, (half, quiet)) in half.iter_mut().zip(&chosen.quiet).enumerate() {
            *half *= if *quiet { 0.0 } else { rhythm.at(values.len() + step) };
        }
    }
    let floor = if settings.intervals.non_negative && series.non_negative { 0.0 } else { f64::NEG_INFINITY };
    let rows = (series.late..horizon)
        .map(|step| {
            let forecast = chosen.fit.forecast[step].max(floor);
            let band = |half: &Vec<f64>| {
                (
                    (chosen.fit.forecast[step] - half[step]).max(floor).min(forecast),
                    (chosen.fit.forecast[step] + half[step]).max(forecast),
                )
            };
            Row {
                series: 0,
                step: step - series.late + 1,
                time: shared.axis.time(series.next() + step as i64),
                forecast,
                bands: widths.half.iter().map(band).collect(),
            }
        })
        .collect();
    let mut record = record(series.class, chosen.choice.clone());
    record.known = names.to_vec();
    record.coverage = intervals::measured(&residuals, origins, horizon, one_step, levels);
    record.parts = parts(&chosen.fit.parts, &chosen.fit.forecast, series.late, floor);
    One { rows, record, chosen: Some(chosen), series, searched, duel }
}

/// Seasons up to so many steps are waited for before a series is forecast by itself; of longer ones, [`LEAST_STEPS`].
const LONGEST_WAIT: usize = 24;
const LEAST_STEPS: usize = 8;

/// Whether it has begun just now: of a series that ended after a few values, its siblings say nothing.
fn is_newcomer(series: &Series, profile: &Profile, last: Option<i64>) -> bool {
    let season = profile.shape.len();
    let least = if season <= LONGEST_WAIT { season } else { LEAST_STEPS };
    series.values.len() < least && last.is_none_or(|last| series.first > last - least as i64)
}

/// When the series is restless, and the residuals of the backtest as they would be if it always were as restless as it usually is.
/// That nothing happened where nothing ever does tells nothing of the other steps, and is left out.
fn in_rhythm(series: &Series, chosen: &Chosen, seasons: &[usize]) -> (Rhythm, Vec<Vec<f64>>) {
    let errors: Vec<f64> =
        series.measured().iter().zip(&chosen.fit.fitted).map(|(actual, fitted)| actual - fitted).collect();
    let rhythm = Rhythm::of(&errors, seasons);
    let origins = chosen.plan.as_ref().map_or(&[][..], |plan| &plan.origins);
    let mut residuals = chosen.residuals.clone();
    for ((row, &origin), quiet) in residuals.iter_mut().zip(origins).zip(&chosen.quiet_at_origins) {
        for ((step, residual), quiet) in row.iter_mut().enumerate().zip(quiet) {
            *residual = if *quiet && *residual == 0.0 { f64::NAN } else { *residual / rhythm.at(origin + step) };
        }
    }
    (rhythm, residuals)
}

/// The parts over the steps that are given out; what the floor adds is a part of its own.
fn parts(parts: &[Part], forecast: &[f64], late: usize, floor: f64) -> Vec<Part> {
    let mut kept: Vec<Part> =
        parts.iter().map(|part| Part { name: part.name.clone(), values: part.values[late..].to_vec() }).collect();
    let lifted: Vec<f64> = forecast[late..].iter().map(|value| value.max(floor) - value).collect();
    if lifted.iter().any(|&value| value != 0.0) {
        kept.push(Part { name: "not below zero".to_owned(), values: lifted });
    }
    kept
}

/// A series without values, or with less than a season of them where there is a profile: its siblings' profile, or zeros. A series
/// that is over: nothing.
fn newcomer(
    series: &Series,
    shared: &Shared<'_>,
    settings: &Settings,
    record: impl Fn(Class, Choice) -> Record,
) -> One {
    let choice = Choice {
        why: choose::Why::Newcomer,
        tier: settings.choose.tier,
        members: Vec::new(),
        tried: Vec::new(),
        origins: 0,
        error: None,
        naive_error: None,
        errors_by_step: Vec::new(),
    };
    let mut record = record(series.class, choice);
    let values = &series.values;
    let next = if values.is_empty() {
        shared.last.map(|last| last + 1).or_else(|| shared.until.map(|until| shared.axis.index(until)))
    } else {
        Some(series.next())
    };
    let over = record.treatments.iter().any(|treatment| treatment.kind == Kind::Over);
    let (Some(next), false) = (next, over) else {
        return One { rows: Vec::new(), record, series: series.clone(), chosen: None, searched: true, duel: None };
    };
    if !values.is_empty() {
        let (first, last) = (shared.axis.time(series.first), shared.axis.time(next - 1));
        record.treatments.push(Treatment { kind: Kind::Newcomer, count: values.len(), first, last });
    }
    let siblings = shared.profile.map(|profile| (profile, profile.level(values, series.first)));
    let forecast = match siblings {
        Some((profile, level)) => profile.course(level, next, settings.horizon + series.late),
        None => vec![0.0; settings.horizon],
    };
    let share = siblings.map_or(STRANGE, |(profile, level)| {
        let said = profile.course(level, series.first, values.len());
        let off =
            values.iter().zip(&said).map(|(value, said)| (value / said - 1.0).powi(2)).filter(|off| off.is_finite());
        let (sum, count) = off.fold((STRANGE * STRANGE, 1.0), |(sum, count), off| (sum + off, count + 1.0));
        (sum / count).sqrt()
    });
    let freedom = values.len() as f64 + 3.0;
    let floor = if settings.intervals.non_negative && series.non_negative { 0.0 } else { f64::NEG_INFINITY };
    let band = |forecast: f64, level: f64| {
        let times = intervals::student_quantile(0.5 + level / 200.0, freedom);
        let half = times * share * forecast.abs();
        ((forecast - half).max(floor).min(forecast), forecast + half)
    };
    let given = forecast.iter().map(|value| value.max(floor)).enumerate().skip(series.late);
    let rows: Vec<Row> = given
        .map(|(step, forecast)| Row {
            series: 0,
            step: step - series.late + 1,
            time: shared.axis.time(next + step as i64),
            forecast,
            bands: settings.intervals.levels.iter().map(|&level| band(forecast, level)).collect(),
        })
        .collect();
    let level = rows.iter().map(|row| row.forecast).collect();
    record.parts = vec![Part { name: "siblings".to_owned(), values: level }];
    One { rows, record, series: series.clone(), chosen: None, searched: true, duel: None }
}
