//! What a forecast's file says.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use chrono::TimeDelta;
use chrono_tz::Tz;
use lockgate_project::yaml::{Node, Span, Value};
use lockgate_project::{AssetFile, Fields, Load};
use lockgate_series::axis::Step;
use lockgate_series::calendar::Country;
use lockgate_series::hygiene::{self, Fill, Merge};
use lockgate_series::models;
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{AssetName, Diagnostics};

use crate::codes::{BAD_SETTING, BAD_STEP};
use crate::keys::KEYS;
use crate::python::name_of;

/// What learns from all series at once.
pub(crate) const BOOSTED: &str = "boosted";
/// The levels of intervals, when none are said.
const LEVELS: [f64; 2] = [80.0, 95.0];
/// Steps of a season, at most: no longer history is kept.
pub(crate) const SEASON_MAX: usize = 10_000;
/// Steps of a horizon, at most: further out nothing is known.
const HORIZON_MAX: usize = 10_000;

/// A forecast as its file says it.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) of: AssetName,
    pub(crate) of_span: Span,
    pub(crate) series: Vec<String>,
    pub(crate) series_span: Span,
    pub(crate) time: String,
    pub(crate) time_span: Span,
    pub(crate) value: String,
    pub(crate) value_span: Span,
    pub(crate) step: Step,
    /// In steps.
    pub(crate) horizon: usize,
    /// Percents, ascending, each once.
    pub(crate) levels: Vec<f64>,
    /// `None` for what suits each series, beside those of `python`.
    pub(crate) models: Option<Vec<String>>,
    /// Files of models that are the user's own, relative to the project, and where they stand.
    pub(crate) python: Vec<(PathBuf, Span)>,
    /// In steps, ascending; `None` for those of the step.
    pub(crate) seasons: Option<Vec<usize>>,
    pub(crate) timezone: Option<Tz>,
    pub(crate) country: Option<Country>,
    pub(crate) hygiene: hygiene::Settings,
    pub(crate) time_budget: Option<TimeDelta>,
    /// Number columns that are known in advance.
    pub(crate) regressors: Vec<String>,
    pub(crate) regressors_span: Span,
    /// The sums that are forecast beside the series: the columns each keeps, in the order of `series`; without the series themselves.
    pub(crate) hierarchy: Vec<Vec<String>>,
    /// `None` to search models at every build.
    pub(crate) refit: Option<Refit>,
}

/// When models are searched anew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Refit {
    pub(crate) every: Option<TimeDelta>,
    /// Times the errors of the backtest.
    pub(crate) when_error: Option<f64>,
}

/// Reads the settings; `None` when what is wrong leaves none. Everything wrong goes to `diagnostics`.
pub(crate) fn read(file: &AssetFile, diagnostics: &mut Diagnostics) -> Option<Settings> {
    let mut fields = file.fields(KEYS, diagnostics);
    let of = name(&mut fields, "of", file.kind_span);
    let series_span = fields.node("series").map_or(file.kind_span, |node| node.span);
    let series = fields.strings("series").unwrap_or_default();
    let time = name(&mut fields, "time", file.kind_span);
    let value = name(&mut fields, "value", file.kind_span);
    let step = fields.required("step", file.kind_span).and_then(|node| parsed::<Step>(&mut fields, "step", node));
    let horizon = fields.required("horizon", file.kind_span);
    let horizon = horizon.zip(step).and_then(|(node, step)| in_steps(&mut fields, node, step));
    let levels =
        numbers(&mut fields, "intervals", |level| level > 0.0 && level < 100.0, "percents above 0 and below 100");
    let seasons = numbers(
        &mut fields,
        "seasons",
        |season| (2.0..=SEASON_MAX as f64).contains(&season) && season.fract() == 0.0,
        "whole numbers from 2 to 10,000",
    );
    let (models, python) = models_of(&mut fields);
    let timezone = fields.node("timezone").and_then(|node| parsed::<Tz>(&mut fields, "timezone", node));
    let country = fields.inside("calendar").and_then(|mut calendar| {
        let node = calendar.node("country");
        let country = node.and_then(|node| parsed::<Country>(&mut calendar, "country", node));
        calendar.finish();
        country
    });
    let hygiene = fields.inside("hygiene").map(hygiene_of).unwrap_or_default();
    let time_budget = fields.node("time_budget").and_then(|node| duration(&mut fields, "time_budget", node));
    let regressors_span = fields.node("regressors").map_or(file.kind_span, |node| node.span);
    let regressors = fields.strings("regressors").unwrap_or_default();
    let hierarchy = hierarchy_of(&mut fields, &series);
    let refit = refit_of(&mut fields);
    fields.finish();
    let of_at = of?;
    let of = match of_at.0.parse::<AssetName>() {
        Ok(of) => of,
        Err(error) => {
            let place = file.source.place(of_at.1);
            diagnostics.push(lockgate_types::Diagnostic::error(&BAD_SETTING, format!("`of`: {error}")).at(place));
            return None;
        }
    };
    let ((time, time_span), (value, value_span)) = (time?, value?);
    let mut wrong = |span: Span, message: String, expected: &str| {
        let error = lockgate_types::Diagnostic::error(&BAD_SETTING, message).at(file.source.place(span));
        diagnostics.push(error.expected(expected));
    };
    let mut names: Vec<&String> = series.iter().chain([&time, &value]).chain(&regressors).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let (span, among) = match regressors.contains(twice[0]) {
            true => (regressors_span, "`series`, `time`, `value` and `regressors`"),
            false => (series_span, "`series`, `time` and `value`"),
        };
        wrong(span, format!("`{}` is named twice among {among}", twice[0]), "different columns");
    }
    if file.load != Load::Full {
        wrong(file.load_span, format!("a forecast is made whole, and `load` is {}", file.load.as_str()), "no `load`");
    }
    if file.sql.is_some() {
        wrong(
            file.kind_span,
            "a forecast has no SQL of its own".to_owned(),
            "a `.yml` file; `of` names what is forecast",
        );
    }
    Some(Settings {
        of,
        of_span: of_at.1,
        series,
        series_span,
        time,
        time_span,
        value,
        value_span,
        step: step?,
        horizon: horizon?,
        levels: levels.unwrap_or(LEVELS.to_vec()),
        models,
        python,
        seasons: seasons.map(|seasons| seasons.into_iter().map(|season| season as usize).collect()),
        timezone,
        country,
        hygiene,
        time_budget,
        regressors,
        regressors_span,
        hierarchy,
        refit,
    })
}

fn name(fields: &mut Fields<'_>, key: &str, around: Span) -> Option<(String, Span)> {
    let span = fields.required(key, around)?.span;
    fields.string(key).map(|text| (text, span))
}

/// A setting that has a text form of its own.
fn parsed<T: FromStr>(fields: &mut Fields<'_>, key: &str, node: &Node) -> Option<T>
where
    T::Err: Display,
{
    let Some(text) = node.scalar_text() else {
        fields.wrong_type(key, node, "a text");
        return None;
    };
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            let code = if key == "step" { &BAD_STEP } else { &BAD_SETTING };
            fields.error(node.span, code, format!("`{key}`: {error}"));
            None
        }
    }
}

/// A horizon in steps: a number of them, or a span that is a whole number of them.
fn in_steps(fields: &mut Fields<'_>, node: &Node, step: Step) -> Option<usize> {
    let text = node.scalar_text().unwrap_or_default();
    let day = lockgate_series::axis::DAY;
    let steps = match (text.parse::<Step>(), step) {
        (Ok(Step::Integer(steps)), _) => Some(i64::from(steps)),
        (Ok(Step::Micros(span)), Step::Micros(step)) if span % step == 0 => Some(span / step),
        (Ok(Step::Days(span)), Step::Micros(step)) if i64::from(span) * day % step == 0 => {
            Some(i64::from(span) * day / step)
        }
        (Ok(Step::Days(span)), Step::Days(step)) | (Ok(Step::Months(span)), Step::Months(step)) if span % step == 0 => {
            Some(i64::from(span / step))
        }
        _ => None,
    };
    let steps = steps.and_then(|steps| usize::try_from(steps).ok()).filter(|steps| (1..=HORIZON_MAX).contains(steps));
    if steps.is_none() {
        let error = fields.error(node.span, &BAD_STEP, format!("`horizon` {text} is no number of steps of {step}"));
        error.expected = Some(format!("1 to {HORIZON_MAX} steps, or a span that is a whole number of them"));
    }
    steps
}

/// Numbers, ascending, each once.
fn numbers(fields: &mut Fields<'_>, key: &str, fits: impl Fn(f64) -> bool, expected: &str) -> Option<Vec<f64>> {
    let node = fields.node(key)?;
    let Value::List(items) = &node.value else {
        fields.wrong_type(key, node, "a list of numbers");
        return None;
    };
    let mut numbers = Vec::with_capacity(items.len());
    for item in items {
        match item.as_f64().filter(|number| fits(*number)) {
            Some(number) => numbers.push(number),
            None => {
                let text = item.scalar_text().unwrap_or_else(|| item.describe().to_string());
                let error = fields.error(item.span, &BAD_SETTING, format!("an entry of `{key}` is {text}"));
                error.expected = Some(expected.to_owned());
                return None;
            }
        }
    }
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    Some(numbers)
}

/// The models that a list may name: those of one series, and the one that learns from all.
fn known_models() -> Vec<&'static str> {
    models::all().iter().map(|model| model.name()).chain([BOOSTED]).collect()
}

/// Names, `None` for what suits each series; and files in Python. `auto` stands for the former, which a file alone joins.
fn models_of(fields: &mut Fields<'_>) -> (Option<Vec<String>>, Vec<(PathBuf, Span)>) {
    let (mut names, mut python, mut is_auto) = (Vec::new(), Vec::new(), false);
    let Some(node) = fields.node("models") else { return (None, python) };
    let known = known_models();
    let one = std::slice::from_ref(node);
    for item in if let Value::List(items) = &node.value { items } else { one } {
        if let Some(map) = item.as_map() {
            match &map.entries[..] {
                [(key, path)] if key.text == "python" && path.scalar_text().is_some() => {
                    python.push((PathBuf::from(path.scalar_text().unwrap_or_default()), path.span));
                }
                _ => {
                    fields.wrong_type("models", item, "`{ python: models/mine.py }`");
                }
            }
            continue;
        }
        let Some(name) = item.scalar_text() else {
            fields.wrong_type("models", item, "a name, or `{ python: models/mine.py }`");
            continue;
        };
        if name == "auto" {
            is_auto = true;
        } else if known.contains(&name.as_str()) {
            names.push(name);
        } else {
            let error = fields.error(item.span, &BAD_SETTING, format!("no model is called `{name}`"));
            error.expected = Some(format!("auto, or some of {}", known.join(", ")));
            error.hint = did_you_mean(&name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        }
    }
    for (place, (file, span)) in python.iter().enumerate() {
        let name = name_of(file);
        if known.contains(&name) || python[..place].iter().any(|(other, _)| name_of(other) == name) {
            let error = fields.error(*span, &BAD_SETTING, format!("there is a model called `{name}` already"));
            error.hint = Some("give the file another name".to_owned());
        }
    }
    if is_auto && !names.is_empty() {
        let error = fields.error(node.span, &BAD_SETTING, "`models` says `auto` beside names");
        error.expected = Some("`auto` alone or with files in Python, or a list of names".to_owned());
    }
    if names.is_empty() {
        return (None, python);
    }
    names.extend(python.iter().map(|(file, _)| name_of(file).to_owned()));
    (Some(names), python)
}

fn hygiene_of(mut fields: Fields<'_>) -> hygiene::Settings {
    let mut settings = hygiene::Settings::default();
    if let Some(word) = fields.choice("duplicates", &["sum", "mean", "last"]) {
        settings.duplicates = match word {
            "sum" => Merge::Sum,
            "last" => Merge::Last,
            _ => Merge::Mean,
        };
    }
    if let Some(word) = fields.choice("gaps", &["auto", "season", "linear", "previous", "zero"]) {
        settings.gaps = match word {
            "season" => Fill::Season,
            "linear" => Fill::Linear,
            "previous" => Fill::Previous,
            "zero" => Fill::Zero,
            _ => Fill::Auto,
        };
    }
    settings.outliers = fields.boolean("outliers").unwrap_or(settings.outliers);
    settings.level_shifts = fields.boolean("level_shifts").unwrap_or(settings.level_shifts);
    settings.partial = fields.boolean("partial").unwrap_or(settings.partial);
    fields.finish();
    settings
}

/// The columns of each sum in the order of `series`; the series themselves, which are always there, are left out.
fn hierarchy_of(fields: &mut Fields<'_>, series: &[String]) -> Vec<Vec<String>> {
    let Some(node) = fields.node("hierarchy") else { return Vec::new() };
    let Value::List(items) = &node.value else {
        fields.wrong_type("hierarchy", node, "a list of lists of columns");
        return Vec::new();
    };
    let mut levels: Vec<Vec<String>> = Vec::with_capacity(items.len());
    for item in items {
        let Value::List(names) = &item.value else {
            fields.wrong_type("hierarchy", item, "a list of columns: `[origin]`, `[]` for the whole");
            return Vec::new();
        };
        let names: Vec<String> = names.iter().filter_map(Node::scalar_text).collect();
        if let Some(name) = names.iter().find(|name| !series.contains(name)) {
            let error = fields.error(item.span, &BAD_SETTING, format!("`hierarchy` names `{name}`"));
            error.expected = Some(format!("columns of `series`: {}", series.join(", ")));
            error.hint =
                did_you_mean(name, series.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            return Vec::new();
        }
        let level: Vec<String> = series.iter().filter(|name| names.contains(name)).cloned().collect();
        if level.len() < series.len() && !levels.contains(&level) {
            levels.push(level);
        }
    }
    levels
}

fn refit_of(fields: &mut Fields<'_>) -> Option<Refit> {
    let around = fields.node("refit")?.span;
    let mut refit = fields.inside("refit")?;
    let every = refit.node("every").and_then(|node| duration(&mut refit, "refit.every", node));
    let when_error = refit.node("when_error").and_then(|node| {
        let text = node.scalar_text().unwrap_or_default();
        let times = text.trim().trim_end_matches('x').trim_end().parse::<f64>().ok();
        let times = times.filter(|times| times.is_finite() && *times >= 1.0);
        if times.is_none() {
            let error = refit.error(node.span, &BAD_SETTING, format!("`refit.when_error` is {text}"));
            error.expected = Some("times the error of the backtest, at least 1: `1.3x`".to_owned());
        }
        times
    });
    let says_nothing = refit.map().entries.is_empty();
    refit.finish();
    if says_nothing {
        let error = fields.error(around, &BAD_SETTING, "`refit` does not say when");
        error.expected = Some("`every`, `when_error` or both: { every: 7d, when_error: 1.3x }".to_owned());
    }
    Some(Refit { every, when_error })
}

fn duration(fields: &mut Fields<'_>, key: &str, node: &Node) -> Option<TimeDelta> {
    let text = node.scalar_text().unwrap_or_default();
    match lockgate_types::time::parse_duration(&text) {
        Ok(duration) => Some(duration),
        Err(error) => {
            fields.error(node.span, &BAD_SETTING, format!("`{key}`: {error}"));
            None
        }
    }
}
