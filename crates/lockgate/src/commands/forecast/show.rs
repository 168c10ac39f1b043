//! `lockgate forecast show`.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use futures::TryStreamExt;
use lockgate_forecast::Shown;
use lockgate_run::{Graph, QueryOptions, Workspace};
use lockgate_types::{AssetName, Diagnostic};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::svg::Picture;
use crate::codes::{UNKNOWN_SERIES, USAGE};
use crate::context::{Context, known_asset};
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::number::measured;
use crate::terminal::plot::Plot;
use crate::terminal::table::{Align, Cell, Table};

/// Steps of the history that are read for a picture, at most; with its backtest there are more.
const HISTORY: usize = 400;
const TESTED_HISTORY: usize = 1500;

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
    /// Say how its models would have done at each origin of the backtest; the picture of --svg has what they said
    #[arg(long)]
    backtest: bool,
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
    let steps = if arguments.backtest { TESTED_HISTORY } else { HISTORY };
    let looking = Looking { workspace: &workspace, graph: &graph, name: &name, shown: &shown, steps };
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
    let mut seen = looking.at(&series).await?;
    if arguments.backtest {
        seen.begin_with_the_backtest();
    }
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
            fan: if arguments.backtest { seen.fan() } else { Vec::new() },
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
            "times": seen.times, "backtest": seen.tested, "parts": PARTS.iter().zip(&seen.parts).collect::<std::collections::BTreeMap<_, _>>(),
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
    if arguments.backtest {
        terminal.line("")?;
        match seen.tested.is_empty() {
            true => terminal.line("the history was too short for a backtest")?,
            false => terminal.table(&seen.backtest())?,
        }
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
    /// Of the history that is read, at most.
    steps: usize,
}

/// What would have been said at an origin of the backtest, as the table holds it.
#[derive(Debug, Deserialize, Serialize)]
struct Tested {
    /// Times of its first and its last step.
    from: String,
    to: String,
    /// Mean absolute error; none where nothing was measured.
    error: Option<f64>,
    said: Vec<f64>,
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
    /// How forecasts before did: steps that have come, mean error, bias.
    scored: Option<(u64, f64, f64)>,
    /// When the models were last searched, and whether the latest errors are as usual.
    fitted: (String, Option<bool>),
    /// The backtest, oldest origin first.
    tested: Vec<Tested>,
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
        // All columns: a version of an older build may not have those of this one.
        let sql = format!("select * from {} where {matching} order by {time}", self.name);
        let batches = self.rows(&sql).await?;
        if batches.iter().all(|batch| batch.num_rows() == 0) {
            return Err(self.unknown(series));
        }
        let rows = Rows(batches);
        let one = |name: &str| rows.numbers(name).first().copied().flatten();
        let all = |name: &str| rows.numbers(name).into_iter().flatten().collect::<Vec<f64>>();
        let ends = |level: &String| {
            all(&format!("lo_{level}")).into_iter().zip(all(&format!("hi_{level}"))).collect::<Vec<_>>()
        };
        let covered =
            self.shown.levels.iter().filter_map(|level| Some((level.clone(), one(&format!("coverage_{level}"))?)));
        let scored = |name: &str| {
            let there = all(name);
            let count = there.len();
            (count > 0).then(|| (count as u64, there.iter().sum::<f64>() / count as f64))
        };
        let mut seen = Seen {
            plot: Plot {
                history: Vec::new(),
                forecast: all("forecast"),
                bands: self.shown.levels.iter().map(ends).collect(),
            },
            model: rows.first("model"),
            class: rows.first("class"),
            choice: rows.first("choice"),
            treatments: rows.first("treatments"),
            errors: one("backtest_error").zip(one("naive_error")),
            coverage: covered.collect(),
            past_times: Vec::new(),
            times: rows.texts(&self.shown.time),
            parts: PARTS.iter().map(|part| all(part)).collect(),
            scored: scored("scored_error")
                .zip(scored("scored_bias"))
                .map(|((steps, error), (_, bias))| (steps, error, bias)),
            fitted: (rows.first("fitted_at"), one("steady").map(|steady| steady > 0.5)),
            tested: serde_json::from_str(&rows.first("backtest")).unwrap_or_default(),
        };
        let past = format!(
            "select cast(t as varchar) as lg_time, v from (select {time} as t, sum(cast({value} as double)) as v from {} \
             where {past} and {value} is not null group by {time} order by {time} desc limit {}) order by t",
            self.shown.of, self.steps
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
            told.push(("so far", format!("{steps} come of what was forecast before: mean error {error:.2}{bias}")));
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

    /// A row per origin.
    fn backtest(&self) -> Table {
        let mut table =
            Table::new().left("FROM").left("TO").data("STEPS", Align::Right).data("MEAN ERROR", Align::Right);
        for origin in &self.tested {
            let error = origin.error.map_or_else(|| "nothing came".to_owned(), measured);
            table.row(vec![
                Cell::new(&origin.from),
                Cell::new(&origin.to),
                Cell::new(origin.said.len().to_string()),
                Cell::new(error),
            ]);
        }
        table
    }

    /// Leaves out the history from long before the first origin.
    fn begin_with_the_backtest(&mut self) {
        let first = self.fan().first().map_or(0, |(first, _)| first.saturating_sub(self.plot.forecast.len()));
        self.past_times.drain(..first);
        self.plot.history.drain(..first);
    }

    /// What was said at each origin that the history which is drawn reaches back to, and at which step of it.
    fn fan(&self) -> Vec<(usize, &[f64])> {
        let at = |tested: &Tested| self.past_times.iter().position(|time| *time == tested.from);
        self.tested.iter().filter_map(|tested| Some((at(tested)?, &tested.said[..]))).collect()
    }
}

/// Rows by the names of their columns. What is not there is null in each of them.
struct Rows(Vec<RecordBatch>);

impl Rows {
    /// Truths are 1 and 0.
    fn numbers(&self, name: &str) -> Vec<Option<f64>> {
        self.each(name, &DataType::Float64, |column, row| column.as_primitive::<Float64Type>().value(row))
    }

    fn texts(&self, name: &str) -> Vec<String> {
        let texts = self.each(name, &DataType::Utf8, |column, row| column.as_string::<i32>().value(row).to_owned());
        texts.into_iter().map(Option::unwrap_or_default).collect()
    }

    fn first(&self, name: &str) -> String {
        self.texts(name).into_iter().next().unwrap_or_default()
    }

    fn each<T>(&self, name: &str, as_type: &DataType, value: impl Fn(&ArrayRef, usize) -> T) -> Vec<Option<T>> {
        let of = |batch: &RecordBatch| {
            let column = batch.column_by_name(name).and_then(|column| cast(column, as_type).ok());
            let at =
                |row: usize| column.as_ref().filter(|column| column.is_valid(row)).map(|column| value(column, row));
            (0..batch.num_rows()).map(at).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text(batch: &RecordBatch, column: usize, row: usize) -> String {
    let cells = batch.column(column).as_string_opt::<i32>();
    cells.filter(|cells| cells.is_valid(row)).map_or_else(String::new, |cells| cells.value(row).to_owned())
}
