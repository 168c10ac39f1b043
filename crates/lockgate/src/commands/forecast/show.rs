//! `lockgate forecast show`.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use futures::TryStreamExt;
use lockgate_forecast::Shown;
use lockgate_run::{Graph, QueryOptions, Workspace};
use lockgate_types::{AssetName, Diagnostic};
use serde_json::json;

use crate::codes::{UNKNOWN_SERIES, USAGE};
use crate::context::{Context, known_asset};
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::plot::Plot;

/// Steps of the history that are read for a picture, at most.
const HISTORY: usize = 400;

/// Draw a series with its forecast and bands, and say what was chosen and why
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The forecast
    #[arg(value_name = "NAME")]
    name: String,
    /// The series: the values of its columns in their order; without it, the one with the largest forecast
    #[arg(long, value_name = "VALUE", value_delimiter = ',')]
    series: Vec<String>,
}

pub(super) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let (workspace, graph) = context.graph().await?;
    let name = known_asset(&graph, &arguments.name)?;
    let node = graph.node(&name)?;
    let Some(shown) = lockgate_forecast::shown(&node.file) else {
        let message = format!("{name} is no forecast: its kind is {}", node.file.kind);
        return Err(Failure::usage(Diagnostic::error(&USAGE, message).hint(format!("lockgate show {name}"))));
    };
    let looking = Looking { workspace: &workspace, graph: &graph, name: &name, shown: &shown };
    let series = match arguments.series.is_empty() {
        true => looking.largest().await?,
        false if arguments.series.len() == shown.series.len() => arguments.series,
        false => {
            let (columns, given) = (shown.series.join(", "), arguments.series.join(", "));
            let message = match shown.series.is_empty() {
                true => format!("{name} is one series, which has no name: `{given}` is none of it"),
                false => format!("`--series` takes a value for each of {columns}, and got {given}"),
            };
            return Err(Failure::usage(Diagnostic::error(&USAGE, message)));
        }
    };
    let seen = looking.at(&series).await?;
    let terminal = &context.terminal;
    if terminal.json {
        terminal.document(&json!({
            "asset": name, "series": series, "history": seen.plot.history, "forecast": seen.plot.forecast,
            "bands": seen.plot.bands, "levels": shown.levels, "model": seen.model, "class": seen.class,
            "choice": serde_json::from_str::<serde_json::Value>(&seen.choice).unwrap_or_default(),
            "treatments": serde_json::from_str::<serde_json::Value>(&seen.treatments).unwrap_or_default(),
        }))?;
        return Ok(Exit::Done);
    }
    let title = if series.is_empty() { name.to_string() } else { format!("{name} of {}", series.join(", ")) };
    terminal.line(&terminal.paint.strong(&title))?;
    for line in seen.plot.draw(terminal.width().unwrap_or(100), terminal.paint) {
        terminal.line(&line)?;
    }
    terminal.line("")?;
    for (what, text) in seen.told() {
        terminal.line(&format!("{} {text}", terminal.paint.faint(&format!("{what:<10}"))))?;
    }
    Ok(Exit::Done)
}

struct Looking<'a> {
    workspace: &'a Workspace,
    graph: &'a Graph,
    name: &'a AssetName,
    shown: &'a Shown,
}

/// One series and its forecast.
struct Seen {
    plot: Plot,
    model: String,
    class: String,
    choice: String,
    treatments: String,
    /// Mean absolute error in the backtest, and that of the last season repeated.
    errors: Option<(f64, f64)>,
    /// Percent measured, by level.
    coverage: Vec<(String, f64)>,
}

impl Looking<'_> {
    async fn rows(&self, sql: &str) -> Result<Vec<RecordBatch>, Failure> {
        let query = self.workspace.query(self.graph, sql, QueryOptions::default()).await?;
        Ok(query.stream.try_collect().await?)
    }

    /// The series that has the largest forecast.
    async fn largest(&self) -> Result<Vec<String>, Failure> {
        if self.shown.series.is_empty() {
            return Ok(Vec::new());
        }
        let columns: Vec<String> = self.shown.series.iter().map(|name| quoted(name)).collect();
        let texts: Vec<String> = columns.iter().map(|column| format!("cast({column} as varchar)")).collect();
        let sql = format!(
            "select {} from {} group by {} order by sum(forecast) desc nulls last limit 1",
            texts.join(", "),
            self.name,
            columns.join(", ")
        );
        let batches = self.rows(&sql).await?;
        let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Err(self.unknown(&[])) };
        Ok((0..batch.num_columns()).map(|column| text(batch, column, 0)).collect())
    }

    fn unknown(&self, series: &[String]) -> Failure {
        let message = match series.is_empty() {
            true => format!("{} has no forecasts", self.name),
            false => format!("{} has no series {}", self.name, series.join(",")),
        };
        let columns = self.shown.series.join(", ");
        let hint = format!("lockgate query \"select distinct {columns} from {}\"", self.name);
        let error = Diagnostic::error(&UNKNOWN_SERIES, message);
        Failure::usage(if columns.is_empty() { error } else { error.hint(hint) })
    }

    async fn at(&self, series: &[String]) -> Result<Seen, Failure> {
        let named = self.shown.series.iter().zip(series);
        let equal: Vec<String> = named
            .map(|(column, value)| {
                format!("coalesce(cast({} as varchar), '') = '{}'", quoted(column), value.replace('\'', "''"))
            })
            .collect();
        let matching = if equal.is_empty() { "true".to_owned() } else { equal.join(" and ") };
        let (time, value) = (quoted(&self.shown.time), quoted(&self.shown.value));
        let bands: Vec<String> = self.shown.levels.iter().map(|level| format!("lo_{level}, hi_{level}")).collect();
        let coverage: Vec<String> = self.shown.levels.iter().map(|level| format!("coverage_{level}")).collect();
        let columns = [&["forecast".to_owned()], &bands[..], &coverage].concat().join(", ");
        let sql = format!(
            "select model, class, choice, treatments, backtest_error, naive_error, {columns} from {} where {matching} order by {time}",
            self.name
        );
        let batches = self.rows(&sql).await?;
        let Some(first) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Err(self.unknown(series)) };
        let levels = self.shown.levels.len();
        let numbers = |column: usize| -> Vec<f64> {
            batches
                .iter()
                .flat_map(|batch| {
                    batch.column(column).as_primitive::<Float64Type>().iter().flatten().collect::<Vec<_>>()
                })
                .collect()
        };
        let one = |column: usize| numbers(column).first().copied();
        let pairs = |place: usize| numbers(7 + 2 * place).into_iter().zip(numbers(8 + 2 * place)).collect();
        let covered =
            (0..levels).filter_map(|place| Some((self.shown.levels[place].clone(), one(7 + 2 * levels + place)?)));
        let mut seen = Seen {
            plot: Plot { history: Vec::new(), forecast: numbers(6), bands: (0..levels).map(pairs).collect() },
            model: text(first, 0, 0),
            class: text(first, 1, 0),
            choice: text(first, 2, 0),
            treatments: text(first, 3, 0),
            errors: one(4).zip(one(5)),
            coverage: covered.collect(),
        };
        let past = format!(
            "select v from (select {time} as t, cast({value} as double) as v from {} where {matching} and {value} is not null \
             order by {time} desc limit {HISTORY}) order by t",
            self.shown.of
        );
        for batch in self.rows(&past).await? {
            seen.plot.history.extend(batch.column(0).as_primitive::<Float64Type>().iter().flatten());
        }
        Ok(seen)
    }
}

impl Seen {
    /// What is said below the picture.
    fn told(&self) -> Vec<(&'static str, String)> {
        let mut told = vec![("series", self.class.clone()), ("model", self.model.clone())];
        if let Some((error, naive)) = self.errors {
            let better = if naive > 0.0 { format!(", the last season repeated {naive:.2}") } else { String::new() };
            told.push(("backtest", format!("mean error {error:.2}{better}")));
        }
        if !self.coverage.is_empty() {
            let parts: Vec<String> =
                self.coverage.iter().map(|(level, measured)| format!("{level} % held {measured:.0} %")).collect();
            told.push(("intervals", parts.join(", ")));
        }
        let treatments: Vec<serde_json::Value> = serde_json::from_str(&self.treatments).unwrap_or_default();
        let done: Vec<String> = treatments
            .iter()
            .map(|treatment| {
                format!("{} ({})", treatment["kind"].as_str().unwrap_or_default().replace('_', " "), treatment["count"])
            })
            .collect();
        told.push(("treated", if done.is_empty() { "nothing had to be done".to_owned() } else { done.join(", ") }));
        told
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text(batch: &RecordBatch, column: usize, row: usize) -> String {
    let cells = batch.column(column).as_string_opt::<i32>();
    cells.filter(|cells| cells.is_valid(row)).map_or_else(String::new, |cells| cells.value(row).to_owned())
}
