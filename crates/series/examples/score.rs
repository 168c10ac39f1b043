//! Scores models on a set of series as the M4 competition does.
//!
//! `cargo run --release --example score -- TRAIN.csv TEST.csv --seasons 12 --models theta,ets,theta+ets`
//!
//! The files are wide: a header row, then a series per row, its id first; shorter series end in empty fields. `a+b` is the
//! median of several models. `--half even|odd` keeps every second series, so that what was tried on one half can be
//! reported on the other. A series that a model says nothing about counts with its seasonal naive forecast.
//! The first season is the one that MASE and Naive2 use.
#![allow(clippy::print_stdout, reason = "a report on the terminal")]

mod wide;

use std::error::Error;
use std::time::{Duration, Instant};

use lockgate_series::models::{self, Boosted};
use lockgate_series::{GlobalModel, Input, Model, accuracy};

struct Options {
    train: Vec<Vec<f64>>,
    test: Vec<Vec<f64>>,
    seasons: Vec<usize>,
    models: Vec<String>,
    forecasts: Option<String>,
}

struct Score {
    smape: f64,
    mase: f64,
    bias: f64,
    took: Duration,
    unfit: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let naive2 = score(&options, "naive2")?;
    println!("{} series", options.train.len());
    println!(
        "{:<40} {:>8} {:>7} {:>7} {:>8} {:>10} {:>6}",
        "model", "sMAPE", "MASE", "OWA", "bias", "series/s", "unfit"
    );
    for name in &options.models {
        let score = score(&options, name)?;
        println!(
            "{:<40} {:>8.3} {:>7.4} {:>7.4} {:>8.4} {:>10.1} {:>6}",
            name,
            score.smape,
            score.mase,
            accuracy::owa(score.smape, score.mase, naive2.smape, naive2.mase),
            score.bias,
            options.train.len() as f64 / score.took.as_secs_f64(),
            score.unfit
        );
    }
    Ok(())
}

/// The mean measures of one model, or of the median of several, over the set.
fn score(options: &Options, names: &str) -> Result<Score, Box<dyn Error>> {
    let mut score = Score { smape: 0.0, mase: 0.0, bias: 0.0, took: Duration::ZERO, unfit: 0 };
    let trained =
        names.split('+').any(|name| name == Boosted.name()).then(|| train(options, &mut score)).transpose()?;
    let chosen: Vec<&dyn Model> = names
        .split('+')
        .map(|name| match &trained {
            Some(trained) if name == trained.name() => Ok(trained.as_ref()),
            _ => models::named(name).ok_or_else(|| format!("there is no model {name}")),
        })
        .collect::<Result<_, _>>()?;
    let mut scaled = 0.0;
    let mut lines = String::new();
    for (history, actual) in options.train.iter().zip(&options.test) {
        let input = Input { values: history, seasons: &options.seasons, horizon: actual.len(), known: None };
        #[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
        let started = Instant::now();
        let mut forecasts = Vec::new();
        for model in &chosen {
            match model.fit(&input) {
                Ok(fit) => forecasts.push(fit.forecast),
                Err(_) => score.unfit += 1,
            }
        }
        score.took += started.elapsed();
        if forecasts.is_empty() {
            forecasts.push(models::SeasonalNaive.fit(&input)?.forecast);
        }
        let forecast: Vec<f64> = (0..actual.len()).map(|step| median(&forecasts, step)).collect();
        let season = options.seasons.first().copied().unwrap_or(1);
        score.smape += accuracy::smape(actual, &forecast);
        if let Some(scale) = accuracy::naive_scale(history, season) {
            score.mase += accuracy::mae(actual, &forecast) / scale;
            score.bias += accuracy::bias(actual, &forecast) / scale;
            scaled += 1.0;
        }
        if options.forecasts.is_some() {
            let fields: Vec<String> = forecast.iter().map(ToString::to_string).collect();
            lines += &fields.join(",");
            lines += "\n";
        }
    }
    if let Some(path) = &options.forecasts {
        std::fs::write(path, lines)?;
    }
    score.smape /= options.train.len() as f64;
    score.mase /= scaled;
    score.bias /= scaled;
    Ok(score)
}

/// Trains the boosted trees on all histories; the time counts.
fn train(options: &Options, score: &mut Score) -> Result<Box<dyn Model>, Box<dyn Error>> {
    let inputs: Vec<Input<'_>> = options
        .train
        .iter()
        .zip(&options.test)
        .map(|(values, actual)| Input { values, seasons: &options.seasons, horizon: actual.len(), known: None })
        .collect();
    #[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    let started = Instant::now();
    let trained = Boosted.train(&inputs)?;
    score.took += started.elapsed();
    Ok(trained)
}

fn median(forecasts: &[Vec<f64>], step: usize) -> f64 {
    let mut values: Vec<f64> = forecasts.iter().map(|forecast| forecast[step]).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut files = Vec::new();
    let (mut seasons, mut names, mut half, mut forecasts) = (Vec::new(), Vec::new(), None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut next = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--seasons" => seasons = next()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--models" => names = next()?.split(',').map(str::to_owned).collect(),
            "--half" => half = Some(next()?),
            "--forecasts" => forecasts = Some(next()?),
            _ => files.push(argument),
        }
    }
    let [train, test] = files.as_slice() else {
        return Err(
            "score TRAIN.csv TEST.csv --seasons 12 --models a,b+c [--half even|odd] [--forecasts OUT.csv]".into()
        );
    };
    let kept = |row: usize| match half.as_deref() {
        Some("even") => row.is_multiple_of(2),
        Some("odd") => !row.is_multiple_of(2),
        _ => true,
    };
    if names.is_empty() {
        names = models::all().iter().map(|model| model.name().to_owned()).collect();
    }
    Ok(Options { train: wide::read(train, kept)?, test: wide::read(test, kept)?, seasons, models: names, forecasts })
}
