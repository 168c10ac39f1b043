//! Kind `forecast`: a table of series becomes a table of forecasts with intervals, without a hand.
//!
//! It owns the settings of a forecast, the way from an asset's rows to the library's series and back, and the checks that
//! only a forecast has. How a series is cleaned, which models speak for it and how wide its intervals are is
//! [`lockgate_series`]' own; versions, gates and publication are nobody's here.
//!
//! Main types: [`kind`] answers the kind; its asset is read by the file's keys and built by one pass over the sorted history.
//!
//! Cost: a sort of the history (it spills), and what each series costs its models: milliseconds. Series are forecast in
//! parallel, chunk by chunk.

pub mod alone;
mod build;
mod checks;
mod clock;
mod codes;
mod columns;
mod earlier;
mod hierarchy;
mod history;
mod kept;
mod keys;
mod late;
mod python;
mod queries;
mod settings;
mod state;
mod told;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use lockgate_engine::{ColumnLineage, Session};
use lockgate_kind::{Asset, BuildContext, Built, Input, Kind, KindError, OwnCheck, Planned};
use lockgate_project::yaml::Span;
use lockgate_project::{AssetFile, CheckEntry, KeyDoc, Project, SqlText};
use lockgate_series::axis::Step;
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{AssetName, Column, DataType, Diagnostic, Diagnostics, Schema, Version};
use serde_json::{Value as Json, json};

use codes::{BAD_PYTHON, BAD_STEP, NAME_TAKEN, NO_COLUMN};
use settings::Settings;

pub use codes::CODES;
pub use columns::level_name;

/// The kind, for the binary's list.
pub fn kind() -> Arc<dyn Kind> {
    Arc::new(ForecastKind)
}

#[derive(Debug)]
struct ForecastKind;

impl Kind for ForecastKind {
    fn name(&self) -> &'static str {
        "forecast"
    }

    fn doc(&self) -> &'static str {
        "Forecasts every series of a table: cleans it, tries the models that suit it on its own past, combines the best, and gives \
         intervals as wide as its errors were. The table has a row per series and step, with the forecast, the ends of its \
         intervals, parts that add up to it, what was chosen and why, and how the forecast before it did. Beside the checks of every \
         asset there are `beats: { model: seasonal_naive, share: 60% }` (in the backtest), `coverage: { 80: [70, 90] }` (measured \
         there), `steady: { share: 80% }` (whether the world has stepped) and `change: { value: 50% }`: what the forecast \
         may be off the live one at the same times, in sum."
    }

    fn keys(&self) -> &'static [KeyDoc] {
        keys::KEYS
    }

    fn checks(&self) -> &'static [OwnCheck] {
        checks::OWN
    }

    fn read(&self, file: &Arc<AssetFile>, project: &Project) -> Result<Arc<dyn Asset>, Diagnostics> {
        let mut diagnostics = Diagnostics::default();
        let settings = settings::read(file, &mut diagnostics);
        let mut python = Vec::new();
        for (path, span) in settings.iter().flat_map(|settings| &settings.python) {
            let path = project.root.join(path);
            match std::fs::read(&path) {
                Ok(text) => python.push(Python { hash: blake3::hash(&text).to_hex().to_string(), path }),
                Err(error) => {
                    let message = format!("{} cannot be read: {error}", path.display());
                    diagnostics.push(Diagnostic::error(&BAD_PYTHON, message).at(file.source.place(*span)));
                }
            }
        }
        let Some(settings) = settings.filter(|_| !diagnostics.has_errors()) else { return Err(diagnostics) };
        let checks = checks::translated(file, &settings, &mut diagnostics);
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        let input = Input { name: settings.of.clone(), place: file.source.place(settings.of_span) };
        Ok(Arc::new(Forecast {
            file: Arc::clone(file),
            settings: Arc::new(settings),
            python,
            inputs: vec![input],
            checks,
        }))
    }
}

/// A model in Python.
#[derive(Debug)]
struct Python {
    path: PathBuf,
    /// Of its text.
    hash: String,
}

/// One forecast.
#[derive(Debug)]
struct Forecast {
    file: Arc<AssetFile>,
    settings: Arc<Settings>,
    python: Vec<Python>,
    inputs: Vec<Input>,
    checks: Vec<CheckEntry>,
}

#[async_trait]
impl Asset for Forecast {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn code(&self) -> Json {
        let of = &self.settings;
        let mut code = self.of_models();
        code["intervals"] = json!(of.levels);
        code["time_budget"] = json!(of.time_budget.map(|budget| budget.num_seconds()));
        code["refit"] = json!(of.refit.map(|refit| (refit.every.map(|every| every.num_seconds()), refit.when_error)));
        code
    }

    fn checks(&self) -> Option<&[CheckEntry]> {
        Some(&self.checks)
    }

    async fn plan(&self, session: &Session, _: Option<&Version>) -> Result<Planned, Diagnostics> {
        let sql = format!("select * from {}", self.settings.of);
        let source = Arc::clone(&self.file.source);
        let input = session.plan(&SqlText { source, sql, first_line: self.settings.of_span.line }).await?.schema;
        let mut wrong = Diagnostics::default();
        let schema = self.schema(&input, &mut wrong);
        if wrong.has_errors() {
            return Err(wrong);
        }
        let lineage = schema.columns.iter().map(|column| self.lineage(&column.name)).collect();
        Ok(Planned { schema, yields: None, lineage, warnings: Vec::new() })
    }

    async fn build(&self, cx: BuildContext) -> Result<Built, KindError> {
        let shape = build::Shape {
            models: hashed(&self.of_models()),
            quantity: hashed(&self.of_quantity()),
            all: hashed(&self.code()),
        };
        let files: Vec<PathBuf> = self.python.iter().map(|python| python.path.clone()).collect();
        build::build(cx, &self.settings, &files, shape).await
    }
}

impl Forecast {
    /// What the numbers are: those of another quantity are not compared.
    fn of_quantity(&self) -> Json {
        let of = &self.settings;
        json!({
            "of": of.of, "series": of.series, "time": of.time, "value": of.value, "step": of.step.to_string(),
            "timezone": of.timezone.map(|zone| zone.name()), "duplicates": of.hygiene.duplicates,
        })
    }

    /// What models found depends on: after any change of it they are searched anew.
    fn of_models(&self) -> Json {
        let of = &self.settings;
        json!({
            "of": of.of, "series": of.series, "time": of.time, "value": of.value, "step": of.step.to_string(),
            "horizon": of.horizon, "models": of.models, "seasons": of.seasons,
            "timezone": of.timezone.map(|zone| zone.name()), "country": of.country.map(|country| country.to_string()),
            "hygiene": of.hygiene, "regressors": of.regressors, "hierarchy": of.hierarchy,
            "python": self.python.iter().map(|python| &python.hash).collect::<Vec<_>>(),
            "library": lockgate_series::REVISION,
        })
    }

    /// The columns of the forecast's table, from those of its input.
    fn schema(&self, input: &Schema, wrong: &mut Diagnostics) -> Schema {
        let settings = &self.settings;
        let mut columns = Vec::new();
        for name in &settings.series {
            let fits = |column: &DataType| !matches!(column, DataType::List(_) | DataType::Struct(_));
            columns.extend(self.column(input, "series", name, settings.series_span, fits, "a plain column", wrong));
        }
        let time = "a timestamp, a date or an integer";
        let time = self.column(input, "time", &settings.time, settings.time_span, history::is_time, time, wrong);
        if let Some(time) = time.as_ref().filter(|time| history::is_time(&time.data_type)) {
            self.step_fits(&time.data_type, wrong);
        }
        columns.extend(time);
        let is_number = |column: &DataType| {
            matches!(column, DataType::Int | DataType::Bigint | DataType::Double | DataType::Decimal(..))
        };
        self.column(input, "value", &settings.value, settings.value_span, is_number, "a number", wrong);
        for name in &settings.regressors {
            self.column(input, "regressors", name, settings.regressors_span, is_number, "a number", wrong);
        }
        let own = columns::own(settings);
        for column in &columns {
            if own.iter().any(|own| own.name.eq_ignore_ascii_case(&column.name)) {
                let message = format!("a forecast has a column `{}` of its own", column.name);
                wrong.push(Diagnostic::error(&NAME_TAKEN, message).at(self.file.source.place(settings.series_span)));
            }
        }
        columns.extend(own);
        Schema { columns }
    }

    /// Integers are counted in bare steps, instants in spans.
    fn step_fits(&self, time: &DataType, wrong: &mut Diagnostics) {
        let settings = &self.settings;
        let is_bare = matches!(settings.step, Step::Integer(_));
        if is_bare == history::is_instant(time) {
            let message = format!("`{}` is {time}, and `step` is {}", settings.time, settings.step);
            let expected = if is_bare { "a span: 1h, 1d, 1mo" } else { "a bare number: 1" };
            let error = Diagnostic::error(&BAD_STEP, message).at(self.file.source.place(settings.time_span));
            wrong.push(error.expected(expected));
        }
    }

    #[allow(clippy::too_many_arguments)] // a name, where it stands and what it has to be
    fn column(
        &self,
        input: &Schema,
        key: &str,
        name: &str,
        span: Span,
        fits: impl Fn(&DataType) -> bool,
        expected: &str,
        wrong: &mut Diagnostics,
    ) -> Option<Column> {
        let place = self.file.source.place(span);
        let Some(column) = input.column(name) else {
            let names: Vec<&str> = input.columns.iter().map(|column| column.name.as_str()).collect();
            let message = format!("`{key}` names `{name}`, which {} has not", self.settings.of);
            let error = Diagnostic::error(&NO_COLUMN, message).at(place);
            wrong.push(match did_you_mean(name, names.iter().copied()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.expected(format!("one of {}", names.join(", "))),
            });
            return None;
        };
        if !fits(&column.data_type) {
            let message = format!("`{name}` is {}, and cannot be the `{key}` of a forecast", column.data_type);
            wrong.push(Diagnostic::error(&NO_COLUMN, message).at(place).expected(expected));
        }
        Some(Column::new(&column.name, column.data_type.clone()))
    }

    /// Keys come from themselves, everything else from the whole history.
    fn lineage(&self, column: &str) -> ColumnLineage {
        let settings = &self.settings;
        let from = match settings.series.iter().any(|name| name == column) {
            true => vec![column],
            false if column == settings.time => vec![column],
            false => {
                let mut from: Vec<&str> = settings.series.iter().map(String::as_str).collect();
                from.extend([settings.time.as_str(), settings.value.as_str()]);
                from.extend(settings.regressors.iter().map(String::as_str));
                from.sort_unstable();
                from.dedup();
                from
            }
        };
        let from = from.into_iter().map(|name| (settings.of.clone(), name.to_owned())).collect();
        ColumnLineage { column: column.to_owned(), from }
    }
}

fn hashed(code: &Json) -> String {
    blake3::hash(code.to_string().as_bytes()).to_hex()[..16].to_owned()
}

/// What a forecast's file says, for who shows its table.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The asset that is forecast.
    pub of: AssetName,
    /// The columns that tell series apart.
    pub series: Vec<String>,
    pub time: String,
    pub value: String,
    /// Names of the intervals, ascending: `80`, `99_5`; columns `lo_80`, `hi_80`.
    pub levels: Vec<String>,
    /// Whether there are sums beside the series; a column `hierarchy` says which.
    pub has_sums: bool,
}

impl Shown {
    /// What `hierarchy` says of the sum that keeps these columns; of all of them, the series themselves.
    pub fn sum_of(&self, kept: &[&str]) -> String {
        columns::sum_name(kept)
    }
}

/// Reads it; `None` for a file of another kind or one that is wrong.
pub fn shown(file: &AssetFile) -> Option<Shown> {
    let settings = (file.kind == "forecast").then(|| settings::read(file, &mut Diagnostics::default())).flatten()?;
    let levels = settings.levels.iter().map(|level| columns::level_name(*level)).collect();
    Some(Shown {
        of: settings.of,
        series: settings.series,
        time: settings.time,
        value: settings.value,
        levels,
        has_sums: !settings.hierarchy.is_empty(),
    })
}
