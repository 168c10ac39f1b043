//! Forecasts synthetic daily meters, and says how fast and how well.
//!
//! `cargo run --release --example meters -- --count 20000 --tier fast`
#![allow(clippy::print_stdout, reason = "a report on the terminal")]

use std::error::Error;
use std::time::{Duration, Instant};

use lockgate_series::accuracy;
use lockgate_series::batch::{self, Raw, Settings, Shared};
use lockgate_series::choose::Pool;
use lockgate_series::synthetic::{Meters, Resolution};

const CHUNK: u64 = 500;
const HORIZON: i64 = 14;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut count, mut tier, mut first_day) = (20_000, "\"fast\"".to_owned(), 18_993);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or("--count N, --tier fast|usual|dear")?;
        match argument.as_str() {
            "--count" => count = value.parse()?,
            "--first-day" => first_day = value.parse()?,
            "--tier" => tier = format!("\"{value}\""),
            _ => return Err(format!("{argument} is not an option").into()),
        }
    }
    let meters = Meters { seed: 1, resolution: Resolution::Daily, first_day, days: 730 + HORIZON };
    let mut settings = Settings { horizon: HORIZON as usize, ..Settings::default() };
    settings.choose.tier = serde_json::from_str(&tier)?;
    let pool = Pool::default();
    let last = meters.first_day + 729;
    let shared = Shared { last: Some(last), ..Shared::new(meters.axis(), &pool) };
    let (mut took, mut made) = (Duration::ZERO, Duration::ZERO);
    let (mut error, mut size, mut inside, mut values) = (0.0, 0.0, [0.0; 2], 0.0);
    let (mut skill, mut skilled) = (0.0, 0.0);
    #[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    let now = Instant::now;
    for first in (0..count).step_by(CHUNK as usize) {
        let started = now();
        let numbers: Vec<u64> = (first..(first + CHUNK).min(count)).collect();
        let all: Vec<_> = numbers.iter().map(|&number| meters.points(number)).collect();
        let names: Vec<String> = numbers.iter().map(|&number| Meters::name(number)).collect();
        let ends: Vec<usize> =
            all.iter().map(|points| points.partition_point(|point| meters.axis().index(point.time) <= last)).collect();
        let raw: Vec<Raw<'_>> = all
            .iter()
            .zip(&names)
            .zip(&ends)
            .map(|((points, name), &end)| Raw { name, points: &points[..end] })
            .collect();
        made += started.elapsed();
        let started = now();
        let forecasts = batch::forecast(&raw, &shared, &settings);
        took += started.elapsed();
        for row in &forecasts.rows {
            let points = &all[row.series][ends[row.series]..];
            let Some(actual) = points.iter().find(|point| point.time == row.time).and_then(|point| point.value) else {
                continue;
            };
            error += accuracy::mae(&[actual], &[row.forecast]);
            size += actual;
            values += 1.0;
            for (inside, band) in inside.iter_mut().zip(&row.bands) {
                *inside += f64::from(u8::from(band.0 <= actual && actual <= band.1));
            }
        }
        for record in &forecasts.records {
            if let Some(of) = record.skill {
                skill += of;
                skilled += 1.0;
            }
        }
    }
    let a_second = count as f64 / took.as_secs_f64();
    println!(
        "{count} meters, {a_second:.0} series/s (a million: {:.0} s on one core, extrapolated); made in {:.1} s",
        1e6 / a_second,
        made.as_secs_f64()
    );
    println!(
        "weighted absolute error {:.2} %, skill {:.3}, covered {:.1} and {:.1} %",
        100.0 * error / size,
        skill / skilled,
        100.0 * inside[0] / values,
        100.0 * inside[1] / values
    );
    Ok(())
}
