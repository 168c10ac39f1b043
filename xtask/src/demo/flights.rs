//! A year of flights: the months one after the other while the gate only reports, then the gate is switched on and
//! the last days come one by one.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::copy_project;
use super::summary::{self, Expected};
use crate::data::Delivery;
use crate::terminal::{heading, percent, say, seconds, thousands};
use crate::tool::{Lockgate, typed, whole};

/// The last day of the past; the days after it come one by one.
const PAST_ENDS: &str = "2013-12-27";
/// How far a known share may rise, in percentage points, as the person who reviews the baseline decides.
const TOLERANCE: &str = "0.1%";
const REASON: &str = "in the data since January 2013";
const REVIEW_ON: &str = "2014-03-31";
/// The forecast is made once, at the end: sixteen of them would be most of the wait.
const PLAYED: [&str; 3] = ["raw", "clean", "mart"];
const KNOWN: &str = "lockgate.known.yml";

pub(super) fn play(binary: &Path, example: &Path, copy: &Path, delivery: &Delivery) -> Result<()> {
    let started = Instant::now();
    heading("New York's flights of 2013");
    copy_project(example, copy)?;
    let lockgate = Lockgate::new(binary, copy);
    delivery.bring_whole(&copy.join("data"))?;

    say("The past, a month at a time. The gate only reports: assets/_defaults.yml says `gate: report`.");
    println!();
    let (past, last): (Vec<&String>, Vec<&String>) = delivery.days.iter().partition(|day| day.as_str() <= PAST_ENDS);
    for month in past.chunk_by(|a, b| a[..7] == b[..7]) {
        let code = arrive_and_run(&lockgate, delivery, month)?;
        ensure!(code == 0, "nothing is held while the gate only reports, but the run ended with exit code {code}");
    }
    let yesterday = last_of(&past)?;

    let recorded = switch_the_gate_on(&lockgate, yesterday)?;

    say("The last days, one by one.");
    println!();
    let mut codes = Vec::new();
    for day in &last {
        codes.push(arrive_and_run(&lockgate, delivery, &[day])?);
    }
    let Some((on_the_last_day, before)) = codes.split_last() else {
        bail!("the delivery ends on {PAST_ENDS}: there is no day to replay");
    };
    ensure!(before.iter().all(|code| *code == 0), "a day before the last was held or late: exit codes {codes:?}");

    summary::print(&lockgate, &recorded, &seconds(started.elapsed().as_secs_f64()))?;
    ensure!(*on_the_last_day == 3, "the run of the last day ended with exit code {on_the_last_day}; it should be 3");
    summary::verify(&lockgate, &Expected { held: &["mart.flight_weather"], late: &["raw.weather"] })?;
    look_ahead(&lockgate, last_of(&last)?)
}

/// Forecasts the days after the last one from what readers see, and draws them. A forecast that is no good is held like anything else.
fn look_ahead(lockgate: &Lockgate, day: &str) -> Result<()> {
    say("And the next two days: every airport and carrier is forecast, checked against its own past, and published.");
    if lockgate.show(&["run", "forecast", "--as-of", &end_of(day)], &[0, 3])? == 0 {
        lockgate.show(&["forecast", "show", "forecast.departures"], &[0])?;
    }
    Ok(())
}

/// Lets days arrive, runs at the end of the last one, and prints a line. Answers the exit code.
fn arrive_and_run(lockgate: &Lockgate, delivery: &Delivery, days: &[&String]) -> Result<i32> {
    for day in days {
        delivery.bring_day(day, &lockgate.project.join("data"))?;
    }
    let as_of = end_of(last_of(days)?);
    let words = [&["run"][..], &PLAYED, &["--as-of", &as_of, "--json"]].concat();
    let started = Instant::now();
    let (code, events) = lockgate.json(&words, &[0, 3])?;
    let took = seconds(started.elapsed().as_secs_f64());
    let of = |name: &str| -> Vec<&str> {
        let named = events.iter().filter(|event| event["event"] == name);
        named.filter_map(|event| event["asset"].as_str()).collect()
    };
    let flights = whole(&lockgate.row("select count(*) as flights from clean.flights")?, "flights")?;
    let mut line = format!(
        "$ {}   {:>8} flights   {:>2} published   {took:>6}",
        typed(&words[..words.len() - 1]),
        thousands(flights),
        of("published").len()
    );
    for (name, word) in [("late", "LATE"), ("held", "HELD"), ("failed", "FAILED")] {
        for asset in of(name) {
            line.push_str(&format!("   {asset} {word}"));
        }
    }
    println!("{line}");
    Ok(code)
}

/// Makes the gate block, looks at what would hold, and records what was there before as known. Answers how many
/// flights had no weather then, and of how many.
fn switch_the_gate_on(lockgate: &Lockgate, day: &str) -> Result<summary::Share> {
    say("The gate is switched on: `gate: report` is taken out, and what fails today is recorded as known.");
    let defaults = lockgate.project.join("assets/_defaults.yml");
    edit(&defaults, |line| (line != "gate: report").then(|| line.to_owned()))?;
    let as_of = end_of(day);
    lockgate.json(&["check", "--as-of", &as_of, "--json"], &[0, 1, 3])?;
    lockgate.show(&["baseline", "--review", REVIEW_ON, "--reason", REASON], &[0])?;

    // What a person does next: read the file, and say how far each share may rise.
    let mut entries = 0;
    edit(&lockgate.project.join(KNOWN), |line| {
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        if rest.strip_prefix("- ").unwrap_or(rest).starts_with("tolerance:") {
            entries += 1;
            let dash = if rest.starts_with("- ") { "- " } else { "" };
            return Some(format!("{indent}{dash}tolerance: {TOLERANCE}"));
        }
        Some(line.to_owned())
    })?;
    ensure!(entries > 0, "`lockgate baseline` has recorded nothing");
    println!("\n{entries} entries in {KNOWN}; reviewed: the share of each may rise by {TOLERANCE}");
    let sql = "select count(*) as flights, count(*) - count(weather_at) as missing from mart.flight_weather";
    let row = lockgate.row(sql)?;
    let share = summary::Share { part: whole(&row, "missing")?, of: whole(&row, "flights")? };
    println!("flights without weather then: {} ({})", thousands(share.part), percent(share.part, share.of, 2));
    Ok(share)
}

/// Rewrites a file line by line; `None` takes the line out.
fn edit(path: &Path, mut change: impl FnMut(&str) -> Option<String>) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut edited: String = text.lines().filter_map(&mut change).collect::<Vec<_>>().join("\n");
    edited.push('\n');
    fs::write(path, edited).with_context(|| format!("cannot write {}", path.display()))
}

fn last_of<'a>(days: &[&'a String]) -> Result<&'a str> {
    days.last().map(|day| day.as_str()).context("no day has arrived")
}

/// The end of a day in New York: daylight saving was from 10 March to 2 November 2013.
fn end_of(day: &str) -> String {
    let summer = ("2013-03-10".."2013-11-03").contains(&day);
    format!("{day}T23:59:59{}", if summer { "-04:00" } else { "-05:00" })
}

/// The names in a list of JSON objects.
pub(super) fn names(values: &[&Value]) -> Vec<String> {
    values.iter().filter_map(|value| value["name"].as_str().map(str::to_owned)).collect()
}
