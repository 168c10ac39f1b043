//! Forecasts the series of a long CSV file by the hour, and says how each was chosen and how it did.
//!
//! `cargo run --release --example long -- FILE.csv --horizon 48 --seasons 24,168 --new-york --hold 48`
//!
//! The last column is the value, the one before it the time (`2013-01-01T10:00:00Z`), the others tell series apart; the rows of a
//! series come together. `--hold N` forecasts from N hours before the end and scores. `--new-york` counts hours by New York's clock
//! and knows its holidays. `--plot NAME` draws one series.
#![allow(clippy::print_stdout, reason = "a report on the terminal")]

use std::error::Error;
use std::time::{Duration, Instant};

use lockgate_series::axis::{Axis, DAY, Step};
use lockgate_series::batch::{self, One, Raw, Settings, Shared};
use lockgate_series::calendar::{Columns, Country, Date, columns};
use lockgate_series::choose::Pool;
use lockgate_series::hygiene::Point;
use lockgate_series::{Input, Model, accuracy, models};

const HOUR: i64 = DAY / 24;

#[derive(Default)]
struct Sums {
    count: f64,
    better: f64,
    worse: f64,
    skill: f64,
    covered: [f64; 2],
    held: f64,
    held_better: f64,
    held_error: f64,
    held_naive: f64,
    held_relative: f64,
    held_total: f64,
    held_actual: f64,
    held_covered: [f64; 2],
    width: [f64; 2],
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut file, mut hold, mut plot, mut local) = (None, 0_usize, None, false);
    let mut settings = serde_json::to_value(Settings { horizon: 48, ..Settings::default() })?;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut next = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--horizon" => settings["horizon"] = next()?.parse::<usize>()?.into(),
            "--seasons" => settings["seasons"] = serde_json::from_str(&format!("[{}]", next()?))?,
            "--models" => settings["choose"]["models"] = next()?.split(',').collect::<Vec<_>>().into(),
            "--tier" => settings["choose"]["tier"] = next()?.into(),
            "--hold" => hold = next()?.parse()?,
            "--plot" => plot = Some(next()?),
            "--new-york" => local = true,
            _ => file = Some(argument),
        }
    }
    let settings: Settings = serde_json::from_value(settings)?;
    let series = read(&file.ok_or("long FILE.csv [--horizon 48] [--seasons 24,168] [--new-york] [--hold 48]")?)?;
    let step = Step::Micros(HOUR);
    let axis = if local { Axis::local(step, &new_york) } else { Axis::new(step) };
    let newest = series.iter().filter_map(|(_, points)| points.last()).map(|point| axis.index(point.time)).max();
    let last = newest.map(|newest| newest - hold as i64);
    let horizon = settings.horizon;
    let known = |first: i64, steps: usize| {
        let what = Columns { country: Some(Country::Us), ..Columns::default() };
        columns(&what, &axis, first, steps.saturating_sub(horizon), steps)
    };
    let pool = Pool::default();
    let mut shared = Shared { last, ..Shared::new(axis, &pool) };
    if local {
        shared.known = Some(&known);
    }
    let (mut sums, mut took) = (Sums::default(), Duration::ZERO);
    println!("series      class           error   naive   skill   80   95   held   naive  80  95  model");
    for (name, points) in &series {
        let end = points.partition_point(|point| last.is_none_or(|last| axis.index(point.time) <= last));
        #[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
        let started = Instant::now();
        let one = batch::one(&Raw { name, points: &points[..end] }, &shared, &settings);
        took += started.elapsed();
        report(name, &one, &points[end..], &settings, &mut sums);
        if plot.as_deref() == Some(name) {
            draw(&one, &points[end..]);
        }
    }
    let Sums { count, .. } = sums;
    println!(
        "{count} series in {:.1} s; better than the seasonal naive {}, worse {}; mean skill {:.3}; coverage {:.1} and {:.1}",
        took.as_secs_f64(),
        sums.better,
        sums.worse,
        sums.skill / count,
        sums.covered[0] / count,
        sums.covered[1] / count
    );
    if sums.held > 0.0 {
        println!(
            "held back: better {} of {}; error {:.4}, naive {:.4}, mean ratio {:.3}; total {:.3} of what came; coverage {:.1} and {:.1}; width {:.2} and {:.2}",
            sums.held_better,
            sums.held,
            sums.held_error / sums.held,
            sums.held_naive / sums.held,
            sums.held_relative / sums.held,
            sums.held_total / sums.held_actual,
            sums.held_covered[0] / sums.held,
            sums.held_covered[1] / sums.held,
            sums.width[0] / sums.held,
            sums.width[1] / sums.held
        );
    }
    Ok(())
}

fn report(name: &str, one: &One, after: &[Point], settings: &Settings, sums: &mut Sums) {
    let choice = &one.record.choice;
    let class = format!("{:?}", one.record.class);
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    let covered = |place: usize| one.record.coverage.get(place).map_or(f64::NAN, |coverage| coverage.measured);
    print!(
        "{name:<10}  {class:<12} {:>8} {:>7} {:>7} {:>4.0} {:>4.0}",
        number(choice.error),
        number(choice.naive_error),
        number(one.record.skill),
        covered(0),
        covered(1)
    );
    sums.count += 1.0;
    let skill = one.record.skill.unwrap_or(0.0);
    sums.skill += skill;
    sums.better += f64::from(u8::from(skill > 0.0));
    sums.worse += f64::from(u8::from(skill < 0.0));
    for (place, sum) in sums.covered.iter_mut().enumerate() {
        *sum += covered(place);
    }
    let actual: Vec<f64> = after.iter().take(one.rows.len()).filter_map(|point| point.value).collect();
    if actual.len() == one.rows.len() && !actual.is_empty() {
        let forecast: Vec<f64> = one.rows.iter().map(|row| row.forecast).collect();
        let seasons = settings.seasons.clone().unwrap_or_else(|| Step::Micros(HOUR).seasons());
        let input = Input { values: &one.series.actual, seasons: &seasons, horizon: actual.len(), known: None };
        let naive = models::SeasonalNaive.fit(&input).map(|fit| fit.forecast).unwrap_or_default();
        let (error, of_naive) = (accuracy::mae(&actual, &forecast), accuracy::mae(&actual, &naive));
        sums.held += 1.0;
        sums.held_total += forecast.iter().sum::<f64>();
        sums.held_actual += actual.iter().sum::<f64>();
        sums.held_error += error;
        sums.held_naive += of_naive;
        sums.held_better += f64::from(u8::from(error <= of_naive));
        sums.held_relative += if of_naive > 0.0 { error / of_naive } else { 1.0 };
        print!(" {error:>6.3} {of_naive:>7.3}");
        for place in 0..2 {
            let (low, high): (Vec<f64>, Vec<f64>) = one.rows.iter().map(|row| row.bands[place]).unzip();
            let share = 100.0 * accuracy::coverage(&actual, &low, &high);
            sums.held_covered[place] += share;
            sums.width[place] += low.iter().zip(&high).map(|(low, high)| high - low).sum::<f64>() / low.len() as f64;
            print!(" {share:>3.0}");
        }
    }
    let treatments: Vec<String> =
        one.record.treatments.iter().map(|treatment| format!("{:?} {}", treatment.kind, treatment.count)).collect();
    println!("  {} {}", choice.model(), treatments.join(", "));
}

/// A line per step: forecast `o`, what came `*`, the 80 % interval `-`.
fn draw(one: &One, after: &[Point]) {
    for tried in &one.record.choice.tried {
        println!("    {:<26} {:?} {:?}", tried.model, tried.error, tried.left_out);
    }
    let most = one.rows.iter().map(|row| row.bands[1].1).fold(1e-9, f64::max);
    for (step, row) in one.rows.iter().enumerate() {
        let actual = after.get(step).and_then(|point| point.value);
        let column = |value: f64| (value / most * 60.0).round().clamp(0.0, 60.0) as usize;
        let mut line = vec![' '; 61];
        line[column(row.bands[1].0)..=column(row.bands[1].1)].fill('.');
        line[column(row.bands[0].0)..=column(row.bands[0].1)].fill('-');
        line[column(row.forecast)] = 'o';
        if let Some(actual) = actual {
            line[column(actual)] = '*';
        }
        let hour = (row.time + new_york(row.time)).rem_euclid(DAY) / HOUR;
        let line: String = line.into_iter().collect();
        println!(
            "    {hour:>2} {:>7.3} [{:>6.2} {:>6.2}] [{:>6.2} {:>6.2}] {:>4} |{line}",
            row.forecast,
            row.bands[0].0,
            row.bands[0].1,
            row.bands[1].0,
            row.bands[1].1,
            actual.map_or_else(String::new, |actual| actual.to_string())
        );
    }
}

/// Daylight saving from the second Sunday of March to the first of November, as since 2007.
fn new_york(at: i64) -> i64 {
    let year = Date::from_days(at.div_euclid(DAY)).year;
    let sunday = |month, from: u32| {
        let days = (from..from + 7).map(|day| Date::new(year, month, day));
        days.into_iter().find(|date| date.weekday() == 6).map_or(0, |date| date.days() * DAY)
    };
    let summer = sunday(3, 8) + 7 * HOUR..sunday(11, 1) + 6 * HOUR;
    if summer.contains(&at) { -4 * HOUR } else { -5 * HOUR }
}

type Named = (String, Vec<Point>);

fn read(path: &str) -> Result<Vec<Named>, Box<dyn Error>> {
    let mut series: Vec<Named> = Vec::new();
    for line in std::fs::read_to_string(path)?.lines().skip(1) {
        let (rest, value) = line.rsplit_once(',').ok_or("a row has too few fields")?;
        let (name, time) = rest.rsplit_once(',').ok_or("a row has too few fields")?;
        let number = |range: std::ops::Range<usize>| -> Result<i64, Box<dyn Error>> {
            Ok(time.get(range).ok_or("a time is too short")?.parse()?)
        };
        let day = Date::new(number(0..4)?, number(5..7)? as u32, number(8..10)? as u32).days();
        let point = Point { time: day * DAY + number(11..13)? * HOUR, value: value.parse().ok() };
        match series.last_mut() {
            Some((known, points)) if known == name => points.push(point),
            _ => series.push((name.to_owned(), vec![point])),
        }
    }
    Ok(series)
}
