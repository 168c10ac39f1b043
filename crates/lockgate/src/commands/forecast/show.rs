//! `lockgate forecast show`.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use futures::TryStreamExt;
use lockgate_forecast::Shown;
use lockgate_run::{Graph, QueryOptions, Workspace};
use lockgate_types::{AssetName, Diagnostic};
use serde_json::json;

use super::svg::Picture;
use crate::codes::{UNKNOWN_SERIES, USAGE};
use crate::context::{Context, known_asset};
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::number::measured;
use crate::terminal::plot::Plot;
use crate::terminal::table::{Align, Cell, Table};

/// Steps of the history that are read for a picture, at most.
const HISTORY: usize = 400;

/// Draw a series with its forecast and bands, and say what was chosen and why
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The forecast
    #[arg(value_name = "NAME")]
    name: String,
    /// The series: the values of its columns in their order, nothing for those that a sum does not keep; without it, the one with the
    /// largest forecast
    #[arg(long, value_name = "VALUE", value_delimiter = ',')]
    series: Vec<String>,
    /// Say what each step is made of: parts that add up to the forecast
    #[arg(long)]
    explain: bool,
    /// Write the picture to a file
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<std::path::PathBuf>,
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
    let title = match series.iter().filter(|value| !value.is_empty()).map(String::as_str).collect::<Vec<_>>() {
        of if !of.is_empty() => format!("{name} of {}", of.join(", ")),
        _ if shown.has_sums => format!("{name} of the whole"),
        _ => name.to_string(),
    };
    if let Some(file) = &arguments.svg {
        let picture = Picture {
            title: &title,
            value: &shown.value,
            plot: &seen.plot,
            levels: &shown.levels,
            times: (&seen.past_times, &seen.times),
        };
        std::fs::write(file, picture.svg()).map_err(|error| {
            let message = format!("{} cannot be written: {error}", file.display());
            Failure::usage(Diagnostic::error(&USAGE, message))
        })?;
    }
    if terminal.json {
        terminal.document(&json!({
            "asset": name, "series": series, "history": seen.plot.history, "forecast": seen.plot.forecast,
            "bands": seen.plot.bands, "levels": shown.levels, "model": seen.model, "class": seen.class,
            "choice": serde_json::from_str::<serde_json::Value>(&seen.choice).unwrap_or_default(),
            "treatments": serde_json::from_str::<serde_json::Value>(&seen.treatments).unwrap_or_default(),
            "times": seen.times, "parts": PARTS.iter().zip(&seen.parts).collect::<std::collections::BTreeMap<_, _>>(),
        }))?;
        return Ok(Exit::Done);
    }
    terminal.line(&terminal.paint.strong(&title))?;
    for line in seen.plot.draw(terminal.width().unwrap_or(100), terminal.paint) {
        terminal.line(&line)?;
    }
    terminal.line("")?;
    for (what, text) in seen.told() {
        terminal.line(&format!("{} {text}", terminal.paint.faint(&format!("{what:<10}"))))?;
    }
    if arguments.explain {
        terminal.line("")?;
        terminal.table(&seen.explained(&shown.time))?;
    }
    if let Some(file) = &arguments.svg {
        terminal.note(&terminal.note_paint.faint(&format!("the picture is in {}", file.display())));
    }
    Ok(Exit::Done)
}

/// The columns that add up to a forecast.
const PARTS: [&str; 5] = ["level", "trend", "season", "known", "rest"];

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
    /// Of the history and of the forecast, as text.
    past_times: Vec<String>,
    times: Vec<String>,
    /// One list for each of [`PARTS`].
    parts: Vec<Vec<f64>>,
    /// How the forecast that was live before did: steps that have come, mean error, bias.
    scored: Option<(u64, f64, f64)>,
    /// When the models were last searched, and whether the latest errors are as usual.
    fitted: (String, Option<bool>),
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
        // A sum keeps some of the columns; of the others it has nothing.
        let named: Vec<(&String, &String)> = self.shown.series.iter().zip(series).collect();
        let is_kept = |value: &str| !self.shown.has_sums || !value.is_empty();
        let mut equal: Vec<String> = named
            .iter()
            .filter(|(_, value)| is_kept(value))
            .map(|(column, value)| {
                format!("coalesce(cast({} as varchar), '') = '{}'", quoted(column), value.replace('\'', "''"))
            })
            .collect();
        let past = if equal.is_empty() { "true".to_owned() } else { equal.join(" and ") };
        if self.shown.has_sums {
            let kept: Vec<&str> =
                named.iter().filter(|(_, value)| is_kept(value)).map(|(name, _)| name.as_str()).collect();
            equal.push(format!("hierarchy = '{}'", self.shown.sum_of(&kept).replace('\'', "''")));
        }
        let matching = if equal.is_empty() { "true".to_owned() } else { equal.join(" and ") };
        let (time, value) = (quoted(&self.shown.time), quoted(&self.shown.value));
        let bands = self.shown.levels.iter().flat_map(|level| [format!("lo_{level}"), format!("hi_{level}")]);
        let coverage = self.shown.levels.iter().map(|level| format!("coverage_{level}"));
        let parts = PARTS.map(str::to_owned);
        let columns: Vec<String> = bands.chain(coverage).chain(parts).collect();
        let sql = format!(
            "select model, class, choice, treatments, cast({time} as varchar) as lg_time, cast(fitted_at as varchar) as lg_fitted, \
             cast(case when steady then 1 when not steady then 0 end as double) as lg_steady, backtest_error, naive_error, forecast, {} \
             from {} where {matching} order by {time}",
            columns.join(", "),
            self.name
        );
        let batches = self.rows(&sql).await?;
        let Some(first) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Err(self.unknown(series)) };
        let levels = self.shown.levels.len();
        let numbers = |column: usize| -> Vec<f64> {
            let of = |batch: &RecordBatch| {
                batch.column(column).as_primitive::<Float64Type>().iter().flatten().collect::<Vec<_>>()
            };
            batches.iter().flat_map(of).collect()
        };
        let texts = |column: usize| -> Vec<String> {
            batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| text(batch, column, row))).collect()
        };
        let one = |column: usize| numbers(column).first().copied();
        // Behind the forecast: ends of the intervals, their coverage, parts.
        let pairs = |place: usize| numbers(10 + 2 * place).into_iter().zip(numbers(11 + 2 * place)).collect();
        let covered =
            (0..levels).filter_map(|place| Some((self.shown.levels[place].clone(), one(10 + 2 * levels + place)?)));
        let mut seen = Seen {
            plot: Plot { history: Vec::new(), forecast: numbers(9), bands: (0..levels).map(pairs).collect() },
            model: text(first, 0, 0),
            class: text(first, 1, 0),
            choice: text(first, 2, 0),
            treatments: text(first, 3, 0),
            errors: one(7).zip(one(8)),
            coverage: covered.collect(),
            past_times: Vec::new(),
            times: texts(4),
            parts: (0..PARTS.len()).map(|part| numbers(10 + 3 * levels + part)).collect(),
            scored: None,
            fitted: (text(first, 5, 0), one(6).map(|steady| steady > 0.5)),
        };
        let sql = format!(
            "select cast(count(scored_error) as double), avg(scored_error), avg(scored_bias) from {} where {matching}",
            self.name
        );
        for batch in self.rows(&sql).await?.iter().filter(|batch| batch.num_rows() > 0) {
            let number = |column: usize| batch.column(column).as_primitive::<Float64Type>().iter().next().flatten();
            seen.scored =
                number(0).zip(number(1)).zip(number(2)).map(|((steps, error), bias)| (steps as u64, error, bias));
        }
        let past = format!(
            "select cast(t as varchar) as lg_time, v from (select {time} as t, sum(cast({value} as double)) as v from {} \
             where {past} and {value} is not null group by {time} order by {time} desc limit {HISTORY}) order by t",
            self.shown.of
        );
        for batch in self.rows(&past).await? {
            seen.past_times.extend((0..batch.num_rows()).map(|row| text(&batch, 0, row)));
            seen.plot.history.extend(batch.column(1).as_primitive::<Float64Type>().iter().flatten());
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
        if let Some((steps, error, bias)) = self.scored {
            let steps = lockgate_types::number::counted(steps, "step has", "steps have");
            let way = if bias > 0.0 { "too high" } else { "too low" };
            let bias = if bias == 0.0 { String::new() } else { format!(", {:.2} {way} on average", bias.abs()) };
            told.push(("so far", format!("{steps} come of the forecast before it: mean error {error:.2}{bias}")));
        }
        let steady = match self.fitted.1 {
            Some(false) => "; the latest errors are far above the usual: the world has stepped",
            _ => "",
        };
        told.push(("fitted", format!("{}{steady}", self.fitted.0)));
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

impl Seen {
    /// A row per step, and a column for each part that is there.
    fn explained(&self, time: &str) -> Table {
        let there: Vec<usize> =
            (0..PARTS.len()).filter(|&part| self.parts[part].iter().any(|value| *value != 0.0)).collect();
        let mut table = Table::new().left(&time.to_uppercase()).data("FORECAST", Align::Right);
        for &part in &there {
            table = table.data(&PARTS[part].to_uppercase(), Align::Right);
        }
        for (step, time) in self.times.iter().enumerate() {
            let mut cells = vec![Cell::new(time), Cell::new(measured(self.plot.forecast[step]))];
            cells.extend(there.iter().map(|&part| Cell::new(measured(self.parts[part][step]))));
            table.row(cells);
        }
        table
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text(batch: &RecordBatch, column: usize, row: usize) -> String {
    let cells = batch.column(column).as_string_opt::<i32>();
    cells.filter(|cells| cells.is_valid(row)).map_or_else(String::new, |cells| cells.value(row).to_owned())
}
