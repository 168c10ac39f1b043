//! Scores the whole path (hygiene, choice, intervals) on a set of series as the M4 competition does.
//!
//! `cargo run --release --example auto -- TRAIN.csv TEST.csv --seasons 12`
//!
//! The files are wide: a header row, then a series per row, its id first; shorter series end in empty fields. `--half even|odd`
//! keeps every second series. `--models a,b` and `--tier fast|usual|dear` restrict the pool; `--set path=value` changes a setting
//! by its path in the JSON of the settings (`--set choose.combine.power=1`). `--dump FILE` writes forecasts.
#![allow(clippy::print_stdout, reason = "a report on the terminal")]

mod wide;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use lockgate_series::axis::{Axis, Step};
use lockgate_series::batch::{self, Raw, Settings, Shared};
use lockgate_series::choose::Pool;
use lockgate_series::hygiene::Point;
use lockgate_series::{Input, Model, accuracy, models};

struct Options {
    train: Vec<Vec<f64>>,
    test: Vec<Vec<f64>>,
    settings: Settings,
    global: bool,
    dump: Option<String>,
}

/// Sums over the series of one set.
#[derive(Default)]
struct Sums {
    smape: f64,
    mase: f64,
    inside: Vec<f64>,
    measured: Vec<f64>,
    width: Vec<f64>,
    backtested: f64,
    count: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let all: Vec<Vec<Point>> = options.train.iter().map(|values| points(values)).collect();
    let raw: Vec<Raw<'_>> = all.iter().map(|points| Raw { name: "", points }).collect();
    let global = options.global.then(|| {
        let pool = Pool::default();
        let shared = Shared::new(Axis::new(Step::Integer(1)), &pool);
        let settings = Settings { horizon: options.test[0].len(), ..options.settings.clone() };
        batch::train(&models::Boosted, &raw, &shared, &settings)
    });
    let global = global.transpose()?;
    let extra: Vec<&dyn Model> = global.iter().map(AsRef::as_ref).collect();
    let pool = Pool::new(&extra);
    let shared = Shared::new(Axis::new(Step::Integer(1)), &pool);
    let seasons = options.settings.seasons.clone().unwrap_or_default();
    let season = seasons.first().copied().unwrap_or(1);
    let levels = options.settings.intervals.levels.clone();
    let (mut naive, mut auto) = (Sums::default(), Sums::default());
    let mut took = Duration::ZERO;
    let mut members: BTreeMap<String, (usize, f64)> = BTreeMap::new();
    let mut treatments: BTreeMap<String, usize> = BTreeMap::new();
    let mut by_step: Vec<Vec<f64>> = Vec::new();
    let mut dump = String::new();
    for ((history, actual), raw) in options.train.iter().zip(&options.test).zip(&raw) {
        let settings = Settings { horizon: actual.len(), ..options.settings.clone() };
        #[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
        let started = Instant::now();
        let one = batch::one(raw, &shared, &settings);
        took += started.elapsed();
        let forecast: Vec<f64> = one.rows.iter().map(|row| row.forecast).collect();
        let input = Input { values: history, seasons: &seasons, horizon: actual.len(), known: None };
        let naive2 = models::Naive2.fit(&input)?.forecast;
        for (sums, forecast) in [(&mut naive, &naive2), (&mut auto, &forecast)] {
            sums.smape += accuracy::smape(actual, forecast);
            if let Some(scale) = accuracy::naive_scale(history, season) {
                sums.mase += accuracy::mae(actual, forecast) / scale;
            }
            sums.count += 1.0;
        }
        auto.inside.resize(levels.len(), 0.0);
        auto.width.resize(levels.len(), 0.0);
        auto.measured.resize(levels.len(), 0.0);
        by_step.resize(actual.len(), vec![0.0; levels.len()]);
        for place in 0..levels.len() {
            let (low, high): (Vec<f64>, Vec<f64>) = one.rows.iter().map(|row| row.bands[place]).unzip();
            auto.inside[place] += accuracy::coverage(actual, &low, &high);
            if let Some(scale) = accuracy::naive_scale(history, season) {
                auto.width[place] += accuracy::interval_score(actual, &low, &high, levels[place] / 100.0) / scale;
            }
            for (step, row) in one.rows.iter().enumerate() {
                let inside = row.bands[place].0 <= actual[step] && actual[step] <= row.bands[place].1;
                by_step[step][place] += f64::from(u8::from(inside));
            }
            if let Some(coverage) = one.record.coverage.get(place) {
                auto.measured[place] += coverage.measured;
            }
        }
        auto.backtested += f64::from(u8::from(!one.record.coverage.is_empty()));
        for member in &one.record.choice.members {
            let entry = members.entry(member.model.clone()).or_default();
            entry.0 += 1;
            entry.1 += member.weight;
        }
        for treatment in &one.record.treatments {
            *treatments.entry(format!("{:?}", treatment.kind)).or_default() += 1;
        }
        let fields: Vec<String> = forecast.iter().map(ToString::to_string).collect();
        writeln!(dump, "{}", fields.join(","))?;
    }
    let count = auto.count;
    let (smape, mase) = (auto.smape / count, auto.mase / count);
    println!("{count} series, {:.1} series/s", count / took.as_secs_f64());
    let owa = accuracy::owa(smape, mase, naive.smape / count, naive.mase / count);
    println!("sMAPE {smape:.3}  MASE {mase:.4}  OWA {owa:.4}");
    for (place, level) in levels.iter().enumerate() {
        let at = |step: usize| 100.0 * by_step[step][place] / count;
        println!(
            "level {level}: covered {:.2} % (first step {:.1}, middle {:.1}, last {:.1}); backtest said {:.2} %; interval score {:.3}",
            100.0 * auto.inside[place] / count,
            at(0),
            at(by_step.len() / 2),
            at(by_step.len() - 1),
            auto.measured[place] / auto.backtested,
            auto.width[place] / count
        );
    }
    let members: Vec<String> =
        members.iter().map(|(model, (used, weight))| format!("{model} {used} ({:.3})", weight / count)).collect();
    println!("members {}; treatments {treatments:?}", members.join(", "));
    if let Some(path) = options.dump {
        std::fs::write(path, dump)?;
    }
    Ok(())
}

fn points(values: &[f64]) -> Vec<Point> {
    values.iter().enumerate().map(|(step, &value)| Point { time: step as i64, value: Some(value) }).collect()
}

fn options() -> Result<Options, Box<dyn Error>> {
    let (mut files, mut half, mut dump, mut global) = (Vec::new(), None, None, false);
    let mut settings = serde_json::to_value(Settings::default())?;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut next = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--seasons" => settings["seasons"] = serde_json::from_str(&format!("[{}]", next()?))?,
            "--models" => {
                let names: Vec<String> = next()?.split(',').map(str::to_owned).collect();
                settings["choose"]["models"] = names.into();
            }
            "--tier" => settings["choose"]["tier"] = next()?.into(),
            "--set" => {
                let text = next()?;
                let (path, value) = text.split_once('=').ok_or("--set path=value")?;
                let pointer = format!("/{}", path.replace('.', "/"));
                *settings.pointer_mut(&pointer).ok_or_else(|| format!("no setting {path}"))? =
                    serde_json::from_str(value)?;
            }
            "--global" => global = true,
            "--half" => half = Some(next()?),
            "--dump" => dump = Some(next()?),
            _ => files.push(argument),
        }
    }
    let [train, test] = files.as_slice() else {
        return Err(
            "auto TRAIN.csv TEST.csv --seasons 12 [--half even|odd] [--models a,b] [--tier usual] [--set path=value]"
                .into(),
        );
    };
    let kept = |row: usize| match half.as_deref() {
        Some("even") => row.is_multiple_of(2),
        Some("odd") => !row.is_multiple_of(2),
        _ => true,
    };
    Ok(Options {
        train: wide::read(train, kept)?,
        test: wide::read(test, kept)?,
        settings: serde_json::from_value(settings)?,
        global,
        dump,
    })
}
