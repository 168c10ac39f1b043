//! `lockgate forecast`: a CSV file without a project, and a look at a forecast of one.

mod show;
mod svg;

use std::fmt::Write as _;
use std::fs::File;
use std::path::PathBuf;

use clap::ValueEnum;
use lockgate_forecast::alone::{Answer, OfSeries, Options, forecast_csv};
use lockgate_forecast::level_name;
use lockgate_types::Diagnostic;
use serde_json::{Value as Json, json};

use crate::codes::USAGE;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::number::{counted, measured};
use crate::terminal::plot::Plot;
use crate::terminal::table::{Align, Cell, Table};

/// Forecast a CSV file, or look at a forecast of the project
///
/// FILE.csv needs no project: a column of times (timestamps, days or integers) and a column of numbers. Every series is
/// cleaned, the models that suit it are tried on its own past, the best are combined, and the intervals are as wide as
/// their errors were.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  lockgate forecast load.csv --series meter --time ts --value kwh --horizon 48 --season 24,168 --format csv\n  \
                  lockgate forecast show mart.departures_forecast --series JFK,AA"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    alone: Option<Alone>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Show(show::Arguments),
}

#[derive(Debug, clap::Args)]
struct Alone {
    /// A CSV file with a header; `-` reads stdin
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// The columns that tell series apart; without them the file is one series
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    series: Vec<String>,
    /// The column of times
    #[arg(long, value_name = "COLUMN", default_value = "time")]
    time: String,
    /// The column of numbers
    #[arg(long, value_name = "COLUMN", default_value = "value")]
    value: String,
    /// Steps to forecast
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    horizon: u32,
    /// How far apart two values are (1h, 1d, 1mo, 1); found in the times when it is not said
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Lengths of the seasons in steps; those of the step when none are said
    #[arg(long, value_name = "STEPS", value_delimiter = ',')]
    season: Vec<usize>,
    /// Percents that the intervals are to hold
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', default_value = "80,95")]
    levels: Vec<f64>,
    /// Only these models; those that suit each series when none are said. A file that ends in .py and defines
    /// forecast(values, horizon, seasons) is one as well, and joins those that suit when it is alone
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    models: Vec<String>,
    /// default: a picture on a terminal, csv elsewhere
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One row per series and step, with a header
    Csv,
    /// An array of series, each with what was chosen and why
    Json,
    /// The first steps of each series
    Table,
    /// A picture of each series
    Plot,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    match (arguments.command, arguments.alone) {
        (Some(Command::Show(show)), _) => show::execute(show, context).await,
        (None, Some(alone)) => forecast(&alone, context).await,
        (None, None) => Err(Failure::usage(Diagnostic::error(&USAGE, "there is no file to forecast"))),
    }
}

async fn forecast(alone: &Alone, context: &Context) -> Outcome {
    let options = Options {
        series: alone.series.clone(),
        time: alone.time.clone(),
        value: alone.value.clone(),
        horizon: alone.horizon as usize,
        step: alone.step.clone(),
        seasons: alone.season.clone(),
        levels: alone.levels.clone(),
        models: alone.models.clone(),
        cancel: context.cancel.clone(),
    };
    let file = alone.file.clone();
    // Off the runtime, so that Ctrl-C is heard.
    let work = move || -> Result<Answer, Failure> {
        let wrong = |diagnostics| Failure::Diagnostics { diagnostics, exit: Exit::Usage };
        if file.to_str() == Some("-") {
            return forecast_csv(std::io::stdin().lock(), &file, &options).map_err(wrong);
        }
        let opened = File::open(&file).map_err(|error| {
            let message = format!("{} cannot be read: {error}", file.display());
            Failure::usage(Diagnostic::error(&USAGE, message))
        })?;
        forecast_csv(std::io::BufReader::new(opened), &file, &options).map_err(wrong)
    };
    let answer = match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer?,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => return Err(Failure::Interrupted),
    };
    let terminal = &context.terminal;
    let usual = if terminal.width().is_some() { Format::Plot } else { Format::Csv };
    match alone.format.or(terminal.json.then_some(Format::Json)).unwrap_or(usual) {
        Format::Csv => terminal.out(&csv(&answer))?,
        Format::Json => {
            terminal.document(&answer.series.iter().map(|one| document(one, &answer)).collect::<Vec<_>>())?
        }
        Format::Table => terminal.table(&table(&answer))?,
        Format::Plot => plots(context, &answer)?,
    }
    if !answer.warnings.is_empty() {
        terminal.diagnostics(&answer.warnings);
    }
    let series = counted(answer.series.len() as u64, "series", "series");
    let steps = counted(u64::from(alone.horizon), "step", "steps");
    terminal.note(&terminal.note_paint.faint(&format!("{series}, {steps} of {} each", answer.step)));
    Ok(Exit::Done)
}

fn name_of(one: &OfSeries) -> String {
    one.key.join(",")
}

/// `series,time,forecast,lo_80,hi_80,lo_95,hi_95,model`.
fn csv(answer: &Answer) -> String {
    let mut text = "series,time,forecast".to_owned();
    for one in &answer.levels {
        let _ = write!(text, ",lo_{0},hi_{0}", level_name(*one));
    }
    text.push_str(",model\n");
    for one in &answer.series {
        let name = quoted(&name_of(one));
        for (step, time) in one.times.iter().enumerate() {
            let _ = write!(text, "{name},{time},{}", one.forecast[step]);
            for (low, high) in &one.bands[step] {
                let _ = write!(text, ",{low},{high}");
            }
            let _ = writeln!(text, ",{}", one.model);
        }
    }
    text
}

/// A CSV field.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn document(one: &OfSeries, answer: &Answer) -> Json {
    let steps: Vec<Json> = one
        .times
        .iter()
        .enumerate()
        .map(|(step, time)| {
            let mut row = json!({ "time": time, "forecast": one.forecast[step] });
            for (level_of, (low, high)) in answer.levels.iter().zip(&one.bands[step]) {
                row[format!("lo_{}", level_name(*level_of))] = json!(low);
                row[format!("hi_{}", level_name(*level_of))] = json!(high);
            }
            row
        })
        .collect();
    json!({
        "series": name_of(one), "model": one.model, "class": one.record.class, "treatments": one.record.treatments,
        "choice": one.record.choice, "coverage": one.record.coverage, "skill": one.record.skill, "steps": steps,
    })
}

fn table(answer: &Answer) -> Table {
    let mut table = Table::new().left("SERIES").left("TIME").data("FORECAST", Align::Right);
    for one in &answer.levels {
        table = table.data(&format!("LO {one}"), Align::Right).data(&format!("HI {one}"), Align::Right);
    }
    table = table.left("MODEL");
    for one in &answer.series {
        for (step, time) in one.times.iter().enumerate() {
            let mut cells = vec![Cell::new(name_of(one)), Cell::new(time), Cell::new(measured(one.forecast[step]))];
            for (low, high) in &one.bands[step] {
                cells.extend([Cell::new(measured(*low)), Cell::new(measured(*high))]);
            }
            cells.push(Cell::new(&one.model));
            table.row(cells);
        }
    }
    table
}

/// A picture for each of the first series.
fn plots(context: &Context, answer: &Answer) -> Result<(), Failure> {
    const SERIES_MAX: usize = 5;
    let terminal = &context.terminal;
    for one in answer.series.iter().take(SERIES_MAX) {
        let bands = (0..answer.levels.len()).map(|place| one.bands.iter().map(|bands| bands[place]).collect());
        let plot = Plot { history: one.history.clone(), forecast: one.forecast.clone(), bands: bands.collect() };
        let name = name_of(one);
        let title = if name.is_empty() { "the series" } else { &name };
        terminal.line(&format!("{}   {}", terminal.paint.strong(title), told(one)))?;
        for line in plot.draw(terminal.width().unwrap_or(100), terminal.paint) {
            terminal.line(&line)?;
        }
        terminal.line("")?;
    }
    if answer.series.len() > SERIES_MAX {
        let rest = counted((answer.series.len() - SERIES_MAX) as u64, "series is", "series are");
        terminal.note(&format!("{rest} not drawn; --format csv writes all"));
    }
    Ok(())
}

/// The models, and how they did.
fn told(one: &OfSeries) -> String {
    let skill = one.record.skill.map_or_else(String::new, |skill| {
        let percent = (skill.abs() * 100.0).round();
        let word = if skill >= 0.0 { "better" } else { "worse" };
        format!("   {percent} % {word} than the last season repeated")
    });
    format!("{}{skill}", one.model)
}
